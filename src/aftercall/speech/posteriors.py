"""This file turns what the embedded engine thinks of its words into the share of such words that are right.

A posterior compares a word with the others that the decoder considered, not with what was said: where nothing fits, the
best of bad guesses still looks good. The company a word keeps tells more, so the mean of its stretch counts as well.
`docs/speech.md` shows the measurement; `python -m bench recognition` repeats it.
"""

import math
from collections.abc import Sequence

#: Logistic regression on 2334 words of the embedded engine, 1300 of them right: prompts, readings and one side of a
#: call, at 8 and at 16 kHz. Left out one kind at a time, the others give nearly the same numbers.
OWN, OTHERS, OFFSET = 2.2, 2.6, -2.4


def confidences(posteriors: Sequence[float], lengths_s: Sequence[float]) -> list[float]:
    """How likely it is that each word of one stretch of speech is right, 0 to 1.

    Args:
        posteriors: the decoder's, 0 to 1, in any order.
        lengths_s: of the same words; long words count for more in the stretch's mean.
    Returns:
        It grows with the word's own posterior and with each of the others.
    """
    if not posteriors:
        return []
    mean = sum(each * length for each, length in zip(posteriors, lengths_s, strict=True)) / sum(lengths_s)
    return [1 / (1 + math.exp(-(OWN * each + OTHERS * mean + OFFSET))) for each in posteriors]
