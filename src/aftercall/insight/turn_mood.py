"""This file says how each turn felt, and which of its words did it: the trained head and the rules together.

Without sentence vectors the rules judge alone. What a person has said of a turn wins over both.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from aftercall.insight.head import Head, figures_of
from aftercall.insight.phrases import SHORT_BUT_TELLING
from aftercall.insight.rules import LONGEST_PIECE_WORDS, RuleScore, score_text, sentences_of, words_of
from aftercall.insight.vectors import SentenceVectors
from aftercall.model import SentimentLabel, TurnSentiment

#: The rules' own version goes up with every change of a weight, a phrase or a threshold.
RULES_METHOD = "vader 3.3.2 + conversation rules 1"

#: How much of a turn's score is the trained head's; the rest is the rules'.
HEAD_SHARE = 0.8
#: Shown scores are this many times the inner ones, which are -1 to +1.
SCALE = 5.0
#: A turn is positive above this inner score, negative below its opposite.
TURN_THRESHOLD = 0.25
#: Only a turn of more words than this can be mixed.
MIXED_ABOVE_WORDS = 25
#: A turn of this many words or fewer is neutral unless it holds a telling word.
SHORT_TURN_WORDS = 2
#: The inner score of a turn that a person calls good or bad, where the judges do not think so.
SAID_SCORE = 0.5

#: Evidence is looked for by leaving out words: a turn is cut into about so many pieces, of at least so many words.
PIECES, PIECE_WORDS = 8, 3
#: A piece is evidence if leaving it out changes the score at least so much, and half as much as the best piece does.
LEAST_CHANGE = 0.02
MOST_PIECES_SHOWN = 2

_CLAUSE_END = re.compile(r"[.,;:!?]$")
_AROUND = ' .,;:!?"'


@dataclass(frozen=True, kw_only=True)
class TrainedJudge:
    """The head, and the vectors it looks at."""

    vectors: SentenceVectors
    head: Head

    @property
    def method(self) -> str:
        return f"{self.vectors.name} + head {self.head.name} ({HEAD_SHARE:.0%}), {RULES_METHOD}"

    def scores(self, texts: Sequence[str]) -> list[float]:
        """What the head makes of each text, -1 to +1."""
        figures = figures_of(texts, [score_text(text) for text in texts])
        return [float(score) for score in self.head.scores(self.vectors.encode(texts), figures)]


@dataclass(frozen=True, kw_only=True)
class _Verdicts:
    """What the head makes of texts, each asked for once."""

    judge: TrainedJudge
    known: dict[str, float] = field(default_factory=dict)

    def of(self, texts: Iterable[str]) -> Mapping[str, float]:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.judge.scores(new), strict=True))
        return self.known


@dataclass(frozen=True, kw_only=True)
class Felt:
    """How one turn felt: the inner score, -1 to +1, and what is shown."""

    score: float
    shown: TurnSentiment


@dataclass(frozen=True, kw_only=True)
class _Heard:
    """A turn's text, and what the rules make of it."""

    text: str
    words: int
    sentences: tuple[str, ...]
    rules: RuleScore


NOTHING_FELT = Felt(score=0.0, shown=TurnSentiment(label="neutral", score=0.0))


def feel(texts: Sequence[str], judge: TrainedJudge | None) -> list[Felt]:
    """How each of some turns in English felt.

    Args:
        judge: None to let the rules judge alone.
    """
    heard = {text: made for text in dict.fromkeys(texts) if (made := _listen(text)) is not None}
    verdicts = _Verdicts(judge=judge) if judge else None
    scored = _score(list(heard.values()), verdicts)
    felt = {each.text: _felt(each, *scored[each.text]) for each in heard.values()}
    if verdicts:
        wanting = [(heard[text], each) for text, each in felt.items() if _wants_evidence(each)]
        felt |= _with_evidence(wanting, verdicts)
    return [felt.get(text, NOTHING_FELT) for text in texts]


def key(text: str) -> str:
    """A turn's text as what people say of it is kept by."""
    return " ".join(text.split())


def corrected(text: str, felt: Felt, said: Mapping[str, SentimentLabel]) -> Felt:
    """How a turn felt, if a person has said so; else as it was."""
    label = said.get(key(text))
    if label is None:
        return felt
    is_agreed = label == felt.shown.label
    score = felt.score if is_agreed else {"positive": SAID_SCORE, "negative": -SAID_SCORE}.get(label, 0.0)
    evidence = felt.shown.evidence if is_agreed else ()
    shown = TurnSentiment(label=label, score=_shown(score), evidence=evidence, is_corrected=True)
    return Felt(score=score, shown=shown)


def label_of(score: float, threshold: float) -> SentimentLabel:
    """What an inner score is called."""
    if score > threshold:
        return "positive"
    return "negative" if score < -threshold else "neutral"


# ---- scores ---------------------------------------------------------------------------------------------------------


def _listen(text: str) -> _Heard | None:
    """A text with what the rules make of it; None where the rules say that it cannot tell a mood."""
    words = words_of(text)
    if len(words) <= SHORT_TURN_WORDS and not any(word.lower() in SHORT_BUT_TELLING for word in words):
        return None
    rules = score_text(text)
    if rules.is_formula_only:
        return None
    return _Heard(text=text, words=len(words), sentences=tuple(sentences_of(text)), rules=rules)


def _score(heard: Sequence[_Heard], verdicts: _Verdicts | None) -> dict[str, tuple[float, tuple[float, ...]]]:
    """The inner score of each turn, and of its sentences where they matter."""
    if verdicts is None:
        return {each.text: (each.rules.score, each.rules.sentences) for each in heard}
    head = verdicts.of(text for each in heard for text in _looked_at(each))
    return {each.text: _blend(each, head) for each in heard}


def _looked_at(each: _Heard) -> list[str]:
    """The texts that the head has to judge of one turn."""
    sentences = list(each.sentences) if each.words > MIXED_ABOVE_WORDS else []
    return sentences if each.words > LONGEST_PIECE_WORDS else [each.text, *sentences]


def _blend(each: _Heard, head: Mapping[str, float]) -> tuple[float, tuple[float, ...]]:
    if each.words <= MIXED_ABOVE_WORDS:
        score = _blended(head[each.text], each.rules.score)
        return score, (score,)
    sentences = tuple(
        _blended(head[text], rules) for text, rules in zip(each.sentences, each.rules.sentences, strict=True)
    )
    if each.words <= LONGEST_PIECE_WORDS:
        return _blended(head[each.text], each.rules.score), sentences
    # The vectors see no further than a long sentence; a speech is the mean of its sentences.
    weights = [len(words_of(text)) for text in each.sentences]
    mean = sum(weight * head[text] for weight, text in zip(weights, each.sentences, strict=True)) / sum(weights)
    return _blended(mean, each.rules.score), sentences


def _blended(head: float, rules: float) -> float:
    return HEAD_SHARE * head + (1 - HEAD_SHARE) * rules


def _felt(each: _Heard, score: float, sentences: Sequence[float]) -> Felt:
    has_both = max(sentences) > TURN_THRESHOLD and min(sentences) < -TURN_THRESHOLD
    is_mixed = each.words > MIXED_ABOVE_WORDS and has_both
    label = "mixed" if is_mixed else label_of(score, TURN_THRESHOLD)
    by_rules = [
        found.phrase
        for found in each.rules.evidence
        if is_mixed or (score != 0 and found.is_positive == (score > 0))
    ]  # fmt: skip
    evidence = list(dict.fromkeys(by_rules))
    if is_mixed:
        # The sentence that says one thing and the one that says the other, where the rules have no words for them.
        for extreme, is_positive in ((max(sentences), True), (min(sentences), False)):
            if not any(found.is_positive == is_positive for found in each.rules.evidence):
                evidence.append(each.sentences[sentences.index(extreme)].strip(_AROUND))
    return Felt(score=score, shown=TurnSentiment(label=label, score=_shown(score), evidence=tuple(evidence)))


def _shown(score: float) -> float:
    return round(SCALE * score, 1) + 0.0  # the sum turns -0.0 into 0.0


# ---- evidence -------------------------------------------------------------------------------------------------------


def _wants_evidence(felt: Felt) -> bool:
    """Whether the head found a mood for which the rules have no words."""
    return felt.shown.label in {"positive", "negative"} and not felt.shown.evidence


def _with_evidence(felt: Sequence[tuple[_Heard, Felt]], verdicts: _Verdicts) -> dict[str, Felt]:
    """The same with the pieces whose absence takes the mood away; all of them are tried at once."""
    told = [_told_by(each, made.score, verdicts.known) for each, made in felt]
    cut = {text: pieces_of(text) for text in told}
    without = {text: _without_each(pieces) for text, pieces in cut.items()}
    head = verdicts.of(rest for rests in without.values() for rest in rests if rest)

    def score(text: str) -> float:
        return _blended(head[text], score_text(text).score) if text else 0.0

    found = {}
    for text, (each, made) in zip(told, felt, strict=True):
        towards = math.copysign(1.0, made.score)
        changes = [(score(text) - score(rest)) * towards for rest in without[text]]
        shown = replace(made.shown, evidence=_telling(cut[text], changes))
        found[each.text] = replace(made, shown=shown)
    return found


def _told_by(each: _Heard, score: float, head: Mapping[str, float]) -> str:
    """What to look for evidence in: the turn as a whole, of a long one the sentence that is most of its mind."""
    if each.words <= MIXED_ABOVE_WORDS:
        return each.text
    return max(each.sentences, key=lambda text: head[text] * score)


def pieces_of(text: str) -> list[str]:
    """A text cut at its commas and full stops, and where a piece would get too long."""
    words = text.split()
    longest = max(PIECE_WORDS, math.ceil(len(words) / PIECES))
    ends = [0]
    for number, word in enumerate(words, 1):
        held = number - ends[-1]
        if held >= longest or number == len(words) or (held >= PIECE_WORDS and _CLAUSE_END.search(word)):
            ends.append(number)
    return [" ".join(words[start:end]) for start, end in pairwise(ends)]


def _without_each(pieces: Sequence[str]) -> list[str]:
    return [" ".join([*pieces[:left_out], *pieces[left_out + 1 :]]) for left_out in range(len(pieces))]


def _telling(pieces: Sequence[str], changes: Sequence[float]) -> tuple[str, ...]:
    """The pieces that matter most, as they stand in the text; none where it is the text as a whole."""
    least = max(LEAST_CHANGE, max(changes) / 2)
    best = sorted(range(len(pieces)), key=lambda at: -changes[at])[:MOST_PIECES_SHOWN]
    return tuple(piece for at in sorted(best) if changes[at] >= least and (piece := pieces[at].strip(_AROUND)))
