"""This file says how a call felt: each turn, each party, the quarters of the conversation, and the way it went."""

from collections.abc import Sequence
from dataclasses import dataclass

from aftercall.insight.phrases import SHORT_BUT_TELLING
from aftercall.insight.rules import RuleScore, score_text, words_of
from aftercall.model import CallSentiment, Insight, SentimentLabel, Trend, Turn, TurnSentiment

#: The rules' own version goes up with every change of a weight, a phrase or a threshold.
METHOD = "vader 3.3.2 + conversation rules 1"

#: How much of a turn's score is the trained head's; the rest is the rules'.
HEAD_SHARE = 0.8

#: Shown scores are this many times the inner ones, which are -1 to +1.
SCALE = 5.0
#: A turn is positive above this inner score, negative below its opposite.
TURN_THRESHOLD = 0.25
#: The same for a party's average, which its many neutral turns pull towards zero.
CALL_THRESHOLD = 0.1
#: Only a turn of more words than this can be mixed.
MIXED_ABOVE_WORDS = 25
#: A turn of this many words or fewer is neutral unless it holds a telling word.
SHORT_TURN_WORDS = 2
#: A turn of more words weighs no more than this many.
HEAVIEST_TURN_WORDS = 20

FEWEST_WORDS = 20
FEWEST_QUARTER_WORDS = 8
QUARTERS = 4
#: The trend is the last quarter against the first, on the shown scale.
TREND_STEP = 1.0

SURE_FROM_WORDS = 40
SURE_FROM_CONFIDENCE = 0.6

WHOLE_CALL = "whole call"


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """A scored turn at its place in the call."""

    turn: Turn
    score: float
    words: int
    #: The turn's midpoint as a fraction of the call, from the recording's start to the last speech, 0 to 1.
    in_call: float
    #: The same, of the conversation: from the first speech to the last.
    in_conversation: float


def score_turns(turns: Sequence[Turn], *, language: str, is_low_accuracy: bool) -> Insight:
    """Say how a call felt.

    Args:
        turns: in order of start. Where their times are missing (all alike), their order stands for time.
        language: BCP 47; the rules know English only, and score no other language.
        is_low_accuracy: the engine is known to misunderstand most telephone speech.
    Returns:
        A sentiment for each turn, and the call's: the customer's where roles are known, else the whole call's.
        Figures that cannot be given are None, and the reason says why.
    """
    if not _is_english(language):
        return _not_covered(turns, language)
    scored = [_score_turn(turn) for turn in turns]
    moments = _place(turns, [score for score, _ in scored])
    sentiment = _call_sentiment(moments, is_low_accuracy=is_low_accuracy)
    return Insight(turns=tuple(shown for _, shown in scored), sentiment=sentiment)


def label_of_party(sentiment: CallSentiment, party: str) -> SentimentLabel | None:
    """How a party (`agent`, `customer`, or `any` for the call) sounded; None if that is not known."""
    if party == "any":
        return sentiment.label
    score = sentiment.parties.get(party)
    return None if score is None else _label(score / SCALE, CALL_THRESHOLD)


def _is_english(language: str) -> bool:
    return language.replace("_", "-").partition("-")[0].lower() == "en"


def _not_covered(turns: Sequence[Turn], language: str) -> Insight:
    reason = f"language {language} is not covered" if language else "the language is not known"
    return Insight(
        turns=tuple(TurnSentiment(label=None, score=None) for _ in turns),
        sentiment=_without_figures(reason, parties={}, is_low_confidence=False),
    )


def _without_figures(reason: str, *, parties: dict[str, float | None], is_low_confidence: bool) -> CallSentiment:
    return CallSentiment(
        score=None,
        label=None,
        trend=None,
        quarters=(None,) * QUARTERS,
        parties=parties,
        reason=reason,
        is_low_confidence=is_low_confidence,
        method=METHOD,
    )


# ---- a turn ---------------------------------------------------------------------------------------------------------


def _score_turn(turn: Turn) -> tuple[float, TurnSentiment]:
    """The inner score of a turn, -1 to +1, and what is shown of it."""
    words = words_of(turn.text)
    if len(words) <= SHORT_TURN_WORDS and not any(word.lower() in SHORT_BUT_TELLING for word in words):
        return 0.0, TurnSentiment(label="neutral", score=0.0)
    rules = score_text(turn.text)
    score = _mood(rules)
    label = _turn_label(score, rules, len(words))
    shown = [
        found.phrase
        for found in rules.evidence
        if label == "mixed" or (score != 0 and found.is_positive == (score > 0))
    ]
    return score, TurnSentiment(label=label, score=_shown(score), evidence=tuple(dict.fromkeys(shown)))


def _mood(rules: RuleScore) -> float:
    """A turn's inner score. The one place that weighs the judges of a turn; in this version the rules judge alone."""
    return rules.score


def _turn_label(score: float, rules: RuleScore, words: int) -> SentimentLabel:
    has_both = max(rules.sentences) > TURN_THRESHOLD and min(rules.sentences) < -TURN_THRESHOLD
    return "mixed" if words > MIXED_ABOVE_WORDS and has_both else _label(score, TURN_THRESHOLD)


def _label(score: float, threshold: float) -> SentimentLabel:
    if score > threshold:
        return "positive"
    return "negative" if score < -threshold else "neutral"


def _shown(score: float) -> float:
    return round(SCALE * score, 1) + 0.0  # the sum turns -0.0 into 0.0


# ---- the call -------------------------------------------------------------------------------------------------------


def _place(turns: Sequence[Turn], scores: Sequence[float]) -> list[_Moment]:
    first = min((turn.start_s for turn in turns), default=0.0)
    last = max((turn.end_s for turn in turns), default=0.0)
    moments = []
    for number, (turn, score) in enumerate(zip(turns, scores, strict=True)):
        middle_s = (turn.start_s + turn.end_s) / 2
        in_order = (number + 0.5) / len(turns)
        moments.append(
            _Moment(
                turn=turn,
                score=score,
                words=len(words_of(turn.text)),
                in_call=middle_s / last if last > first else in_order,
                in_conversation=(middle_s - first) / (last - first) if last > first else in_order,
            )
        )
    return moments


def _call_sentiment(moments: Sequence[_Moment], *, is_low_accuracy: bool) -> CallSentiment:
    by_party = _by_party(moments)
    parties = {party: _party_score(heard) for party, heard in by_party.items()}
    main = by_party.get("customer", by_party.get(WHOLE_CALL, []))
    score = _party_score(main)
    is_low_confidence = is_low_accuracy or _is_uncertain(main)
    if score is None:
        reason = f"too little text: fewer than {FEWEST_WORDS} words"
        return _without_figures(reason, parties=parties, is_low_confidence=is_low_confidence)
    quarters = tuple(_quarter_score(main, number) for number in range(QUARTERS))
    return CallSentiment(
        score=score,
        label=_label(score / SCALE, CALL_THRESHOLD),
        trend=_trend(quarters),
        quarters=quarters,
        parties=parties,
        is_low_confidence=is_low_confidence,
        method=METHOD,
    )


def _by_party(moments: Sequence[_Moment]) -> dict[str, list[_Moment]]:
    """The turns of each party; without roles all turns are one party. Where there is an agent there is a customer."""
    if not any(moment.turn.role for moment in moments):
        return {WHOLE_CALL: list(moments)}
    by_party: dict[str, list[_Moment]] = {"customer": []}
    for moment in moments:
        if moment.turn.role:
            by_party.setdefault(moment.turn.role, []).append(moment)
    return by_party


def _party_score(moments: Sequence[_Moment]) -> float | None:
    """A party's average, in which longer turns and the end of the call weigh more: people judge a call by its end."""
    if sum(moment.words for moment in moments) < FEWEST_WORDS:
        return None
    return _average([(moment.score, _length_weight(moment) * (0.5 + moment.in_call)) for moment in moments])


def _quarter_score(moments: Sequence[_Moment], number: int) -> float | None:
    heard = [moment for moment in moments if min(int(moment.in_conversation * QUARTERS), QUARTERS - 1) == number]
    if sum(moment.words for moment in heard) < FEWEST_QUARTER_WORDS:
        return None
    return _average([(moment.score, _length_weight(moment)) for moment in heard])


def _length_weight(moment: _Moment) -> int:
    return min(moment.words, HEAVIEST_TURN_WORDS)


def _average(scores_and_weights: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for _, weight in scores_and_weights)
    return round(SCALE * sum(score * weight for score, weight in scores_and_weights) / total, 2) + 0.0


def _trend(quarters: Sequence[float | None]) -> Trend | None:
    """Where the mood went from the first quarter that has a score to the last; one quarter alone goes nowhere."""
    known = [score for score in quarters if score is not None]
    if len(known) < 2:
        return None
    change = round(known[-1] - known[0], 2)
    if change >= TREND_STEP:
        return "improving"
    return "declining" if change <= -TREND_STEP else "steady"


def _is_uncertain(moments: Sequence[_Moment]) -> bool:
    heard = [word.confidence for moment in moments for word in moment.turn.words if word.confidence is not None]
    return (
        sum(moment.words for moment in moments) < SURE_FROM_WORDS
        or any(moment.turn.speaker == "unknown" for moment in moments)
        or (bool(heard) and sum(heard) / len(heard) < SURE_FROM_CONFIDENCE)
    )
