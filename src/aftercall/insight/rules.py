"""This file scores one text by rules: VADER, taught how people talk on the telephone.

Politeness is cut out, phrases become words with a weight, questions count little. VADER does the arithmetic of negation
("not happy"), degree ("really happy") and contrast ("fine, but ...").
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from vaderSentiment.vaderSentiment import NEGATE, SentimentIntensityAnalyzer

from aftercall.insight.phrases import (
    ANSWERING_NO,
    FORMULAE,
    NO_MOOD,
    OWN_WORDS,
    PATTERNS,
    QUESTION_START,
)

#: A question asks about a mood more often than it shows one.
QUESTION_FACTOR = 0.3
#: VADER's time grows faster than its text; longer stretches without a full stop are scored in pieces.
LONGEST_PIECE_WORDS = 60

#: VADER's own constant between a sum of weights and a score: sum / sqrt(sum^2 + 15).
_VADER_ALPHA = 15.0
#: VADER looks this many words back for a negation.
_NEGATION_REACH = 3

_BRACKETED = re.compile(r"\[[^\[\]]*\]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
#: Speech engines drop apostrophes; without them neither VADER nor the patterns see a negation.
_BARE_CONTRACTION = re.compile(
    r"\b(?:(do|does|did|ca|wo|is|was|are|were|has|have|had|could|would|should)nt|(i)m|(that|it|what|there|he|she)s|(you|they)re"
    r"|(i|you|we|they)ve)\b",
    re.IGNORECASE,
)
_ENDINGS = ("n't", "'m", "'s", "'re", "'ve")
_LONG_NEGATION = re.compile(
    r"\b(?:(do|does|did|is|was|are|were|has|have|had|could|would|should) not|(can)(?: not|not)|(will) not)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A word or phrase that moved a score."""

    phrase: str
    is_positive: bool


@dataclass(frozen=True, kw_only=True)
class RuleScore:
    """What the rules make of one text; scores are -1 to +1."""

    score: float
    #: One per sentence.
    sentences: tuple[float, ...]
    evidence: tuple[Evidence, ...]
    #: What the trained head wants to know of a text beside the score.
    has_formula: bool
    has_bad_phrase: bool
    has_good_phrase: bool
    is_question: bool
    #: Nothing is left of it when the formulae of politeness are cut out.
    is_formula_only: bool


def words_of(text: str) -> list[str]:
    """The spoken words of a text, as transcribed; redacted or annotated spans in brackets are none."""
    return _WORD.findall(_BRACKETED.sub(" ", text.replace("’", "'")))


def score_text(text: str) -> RuleScore:
    """Score one text in English."""
    sentences = sentences_of(text)
    pieces = [_score_sentence(sentence) for sentence in sentences]
    left = [_formula_finder().sub(" ", sentence) for sentence in sentences]
    weights = [_WEIGHT_OF_MARK[str(found.lastgroup)] for each in left for found in _pattern_finder().finditer(each)]
    has_formula = left != sentences
    return RuleScore(
        score=_from_sum(sum(_to_sum(score) for score, _ in pieces)),
        sentences=tuple(score for score, _ in pieces),
        evidence=tuple(found for _, evidence in pieces for found in evidence),
        has_formula=has_formula,
        has_bad_phrase=any(weight < 0 for weight in weights),
        has_good_phrase=any(weight > 0 for weight in weights),
        is_question=bool(sentences) and _is_question(sentences[0]),
        is_formula_only=has_formula and not any(map(_WORD.search, left)),
    )


def sentences_of(text: str) -> list[str]:
    """The sentences of a text as the rules read them; a long stretch without a full stop comes in pieces."""
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[str]:
    spoken = _BARE_CONTRACTION.sub(_with_apostrophe, _BRACKETED.sub(" ", text.replace("’", "'")))
    for sentence in _SENTENCE_END.split(_LONG_NEGATION.sub(_contracted, spoken)):
        words = sentence.split()
        for start in range(0, len(words), LONGEST_PIECE_WORDS):
            yield " ".join(words[start : start + LONGEST_PIECE_WORDS])


def _with_apostrophe(found: re.Match[str]) -> str:
    return next(f"{stem}{ending}" for stem, ending in zip(found.groups(), _ENDINGS, strict=True) if stem)


def _contracted(found: re.Match[str]) -> str:
    plain, can, will = found.groups()
    return f"{plain}n't" if plain else f"{can}'t" if can else f"{will[0]}on't"


def _score_sentence(sentence: str) -> tuple[float, list[Evidence]]:
    phrases: list[str] = []

    def as_one_word(found: re.Match[str]) -> str:
        phrases.append(found[0].strip(" ,"))
        return f" {found.lastgroup} "

    marked = _pattern_finder().sub(as_one_word, _formula_finder().sub(" ", _answering_no().sub(" ", sentence)))
    score = _vader_score(marked)
    if not phrases and _is_question(sentence):
        score = _from_sum(QUESTION_FACTOR * _to_sum(score))
    return score, _evidence(marked, phrases)


def _is_question(sentence: str) -> bool:
    if sentence.endswith((".", "!", "?")):
        return sentence.endswith("?")
    return _question_start().match(sentence) is not None


def _evidence(marked: str, phrases: list[str]) -> list[Evidence]:
    """The words of a marked text that carry weight, each with the negation that turns it round."""
    lexicon = _lexicon()
    remaining = iter(phrases)
    tokens = [token.strip('.,;:!?"') for token in marked.split()]
    shown: list[Evidence] = []
    for place, token in enumerate(tokens):
        weight = lexicon.get(token.lower(), 0.0)
        text = next(remaining) if token in _WEIGHT_OF_MARK else token
        if weight == 0.0:
            continue
        start = max(0, place - _NEGATION_REACH)
        negation = next((at for at in range(start, place) if _is_negation(tokens[at])), None)
        if negation is not None:
            text = " ".join([*(before for before in tokens[negation:place] if before not in _WEIGHT_OF_MARK), text])
        shown.append(Evidence(phrase=text, is_positive=(weight > 0) is (negation is None)))
    return shown


def _is_negation(token: str) -> bool:
    return token.lower() in _NEGATIONS or token.lower().endswith("n't")


# ---- VADER, and the patterns made ready once ------------------------------------------------------------------------

#: The words that stand for a phrase in a marked text, with their weights.
_WEIGHT_OF_MARK = {f"moodmark{'abcdefghij'[number]}": weight for number, (weight, _) in enumerate(PATTERNS)}
_NEGATIONS = frozenset({*NEGATE, "no"})


@lru_cache(maxsize=1)
def _analyzer() -> SentimentIntensityAnalyzer:
    """VADER with our lexicon; its file is read when the first text is scored."""
    analyzer = SentimentIntensityAnalyzer()
    # Spoken words only: nobody says an emoticon, and the letters of a spelled name are not chat shorthand.
    spoken = {word: weight for word, weight in analyzer.lexicon.items() if word.isalpha() and len(word) > 2}
    for word in NO_MOOD:
        spoken.pop(word, None)
    # "no" has no weight of its own, but VADER lets it negate what follows only while it is in the lexicon.
    analyzer.lexicon = {**spoken, **OWN_WORDS, **_WEIGHT_OF_MARK, "no": 0.0}
    return analyzer


def _lexicon() -> dict[str, float]:
    lexicon: dict[str, float] = _analyzer().lexicon
    return lexicon


def _vader_score(text: str) -> float:
    """VADER's verdict on a marked text, -1 to +1."""
    return float(_analyzer().polarity_scores(text)["compound"])


@lru_cache(maxsize=1)
def _pattern_finder() -> re.Pattern[str]:
    groups = (
        f"(?P<{mark}>{'|'.join(patterns)})" for mark, (_, patterns) in zip(_WEIGHT_OF_MARK, PATTERNS, strict=True)
    )
    return _whole_words("|".join(groups))


@lru_cache(maxsize=1)
def _formula_finder() -> re.Pattern[str]:
    return _whole_words("|".join(FORMULAE))


@lru_cache(maxsize=1)
def _answering_no() -> re.Pattern[str]:
    return re.compile(ANSWERING_NO, re.IGNORECASE)


@lru_cache(maxsize=1)
def _question_start() -> re.Pattern[str]:
    return re.compile(QUESTION_START, re.IGNORECASE)


def _whole_words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'])(?:{pattern})(?![\w'])", re.IGNORECASE)


def _to_sum(score: float) -> float:
    """VADER's score taken back to the sum of weights it came from; kept finite at the ends of the scale."""
    within = min(max(score, -0.9999), 0.9999)
    return within * math.sqrt(_VADER_ALPHA / (1.0 - within * within))


def _from_sum(total: float) -> float:
    return total / math.sqrt(total * total + _VADER_ALPHA)
