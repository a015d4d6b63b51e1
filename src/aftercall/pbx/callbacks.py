"""This file tells whether a missed caller was called back, or got through later; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Later than this it is another matter.
WITHIN = timedelta(days=7)
#: So many last digits tell one subscriber from the next; the same number is written with and without country, area and
#: outside line before them.
SUBSCRIBER_DIGITS = 7
#: How much of the shorter number may differ at its front: another prefix for an outside line or a country.
PREFIX_DIGITS = 2


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A call that a person answered: outbound to a number, or inbound from it."""

    call_id: str
    number: str
    started_at: datetime


def number_key(number: str | None) -> str | None:
    """What two ways to write one number have in common; None for what is no number."""
    digits = re.sub(r"[^0-9]", "", number or "")
    return digits[-SUBSCRIBER_DIGITS:] or None


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers reach the same subscriber, national and international forms included."""
    left, right = (re.sub(r"[^0-9]", "", each) for each in (one, other))
    if min(len(left), len(right)) < SUBSCRIBER_DIGITS:
        return bool(left) and left == right
    left, right = left.lstrip("0"), right.lstrip("0")
    alike = 0
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a != b:
            break
        alike += 1
    return alike >= max(SUBSCRIBER_DIGITS, min(len(left), len(right)) - PREFIX_DIGITS)


def called_back(number: str, missed_at: datetime, talks: Sequence[Talk]) -> str | None:
    """The call in which a missed caller was spoken to, the first one; None if there was none in time."""
    fitting = [
        talk
        for talk in talks
        if missed_at < talk.started_at <= missed_at + WITHIN and is_same_number(number, talk.number)
    ]
    return min(fitting, key=lambda talk: talk.started_at).call_id if fitting else None
