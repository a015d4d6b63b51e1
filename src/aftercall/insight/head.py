"""This file is the trained judge of a text's mood: a linear head on its vector and twelve figures of the rules.

The coefficients are ours: `scripts/train_mood.py` made them from public data and says from which. A head trained on the
corrections of one house lies in its models folder and takes the place of the packaged one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from aftercall.errors import MoodHeadDamaged
from aftercall.insight.rules import RuleScore, words_of
from aftercall.insight.safetensors import Floats
from aftercall.insight.vectors import SIZE

PACKAGED = Path(__file__).with_name("mood_head.npy")
#: Where a house keeps its own, in the models folder.
OWN = "mood-head/mood_head.npy"
#: Goes up with every other set of coefficients in the package.
VERSION = "1"

#: What the rows of the coefficients stand for.
CLASSES = ("negative", "neutral", "positive")
FIGURES = 12
_LONG_TEXT_WORDS = 30
_SHORT_TEXT_WORDS = 2


@dataclass(frozen=True, kw_only=True)
class Head:
    """The coefficients: a row for each class, a column for each input, the last one for the constant."""

    weights: Floats
    name: str

    def scores(self, vectors: Floats, figures: Floats) -> Floats:
        """The chance that a text is positive less the chance that it is negative, -1 to +1, for each row."""
        chances = self.chances(np.hstack([vectors, figures]))
        scores: Floats = chances[:, 2] - chances[:, 0]
        return scores

    def chances(self, inputs: Floats) -> Floats:
        """The chance of each class, for each row of inputs."""
        logits = inputs @ self.weights[:, :-1].T + self.weights[:, -1]
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances: Floats = grown / grown.sum(axis=1, keepdims=True)
        return chances


def figures_of(texts: Sequence[str], rules: Sequence[RuleScore]) -> Floats:
    """The twelve figures of each text, in the order the head was trained with."""
    return np.array([_figures(*each) for each in zip(texts, rules, strict=True)], np.float32).reshape(-1, FIGURES)


def _figures(text: str, rules: RuleScore) -> list[float]:
    vader = _plain_vader().polarity_scores(text)
    words = len(words_of(text))
    return [
        vader["compound"],
        vader["pos"],
        vader["neg"],
        rules.score,
        max(rules.score, 0.0),
        max(-rules.score, 0.0),
        min(words, _LONG_TEXT_WORDS) / _LONG_TEXT_WORDS,
        float(words <= _SHORT_TEXT_WORDS),
        float(rules.is_question),
        float(rules.has_formula),
        float(rules.has_bad_phrase),
        float(rules.has_good_phrase),
    ]


@cache
def _plain_vader() -> SentimentIntensityAnalyzer:
    """VADER as it comes: what its own lexicon thinks is a figure of its own."""
    return SentimentIntensityAnalyzer()


def find(models_folder: Path | None = None) -> Head:
    """The house's own head if it has one, else the packaged one.

    Raises:
        MoodHeadDamaged: the file is no head.
    """
    own = models_folder / OWN if models_folder else None
    return load(own) if own and own.is_file() else load(PACKAGED)


@cache
def load(path: Path) -> Head:
    """Read a head; once per process.

    Raises:
        MoodHeadDamaged: the file is no head.
    """
    try:
        weights = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as exc:
        raise MoodHeadDamaged(path=str(path), detail=str(exc)) from exc
    if weights.shape != (len(CLASSES), SIZE + FIGURES + 1) or not np.isfinite(weights).all():
        raise MoodHeadDamaged(path=str(path), detail="its shape or its figures are wrong")
    name = VERSION if path == PACKAGED else f"own {hashlib.sha256(weights.tobytes()).hexdigest()[:8]}"
    return Head(weights=weights.astype(np.float32), name=name)
