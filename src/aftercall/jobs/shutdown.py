"""This file holds the signal that work was cut off because the process ends."""


class ShuttingDown(BaseException):
    """Not an error of the work: nothing is recorded, and the job goes on at the next start.

    It derives from BaseException so that no handler of failures takes it for one.
    """
