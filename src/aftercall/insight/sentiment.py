"""This file says how a call felt: each party, the quarters of the conversation, where it turned, and its trend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from aftercall.insight import head as heads
from aftercall.insight.head import Head
from aftercall.insight.rules import words_of
from aftercall.insight.turn_mood import (
    RULES_METHOD,
    SCALE,
    Felt,
    TrainedJudge,
    corrected,
    feel,
    label_of,
)
from aftercall.insight.vectors import SentenceVectors
from aftercall.model import CallSentiment, Evidence, Insight, SentimentLabel, Trend, Turn, TurnSentiment

#: A party's average is called good or bad above this inner score: its many neutral turns pull it towards zero.
CALL_THRESHOLD = 0.1
#: A turn of more words weighs no more than this many.
HEAVIEST_TURN_WORDS = 20

FEWEST_WORDS = 20
FEWEST_QUARTER_WORDS = 8
QUARTERS = 4
#: The trend is the last quarter against the first, a turning point what comes after against what was before; on the
#: shown scale.
TREND_STEP = 1.0
#: Turns that are shown as the cause of a figure.
MOST_CAUSES = 3
#: Words of a turn that stand for it where none of them caused its mood alone.
QUOTED_WORDS = 12

SURE_FROM_WORDS = 40
SURE_FROM_CONFIDENCE = 0.6

WHOLE_CALL = "whole call"
TURNING_POINT = "turning point"
TREND = "trend"


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """A scored turn at its place in the call."""

    turn: Turn
    #: Of the turn, from 0.
    position: int
    score: float
    shown: TurnSentiment
    words: int
    #: The turn's midpoint as a fraction of the call, from the recording's start to the last speech, 0 to 1.
    in_call: float
    #: The same, of the conversation: from the first speech to the last.
    in_conversation: float


def score_turns(
    turns: Sequence[Turn],
    *,
    language: str,
    is_low_accuracy: bool,
    vectors: SentenceVectors | None = None,
    head: Head | None = None,
    said: Mapping[str, SentimentLabel] | None = None,
) -> Insight:
    """Say how a call felt.

    Args:
        turns: in order of start. Where their times are missing (all alike), their order stands for time.
        language: BCP 47; only English is scored.
        is_low_accuracy: the engine is known to misunderstand most telephone speech.
        vectors: what the trained head looks at; None to let the rules judge alone.
        head: the head; None for the packaged one.
        said: what people have said of turns, by `turn_mood.key` of their text; it wins.
    Returns:
        A sentiment for each turn, and the call's: the customer's where roles are known, else the whole call's.
        Figures that cannot be given are None, and the reason says why.
    """
    judge = TrainedJudge(vectors=vectors, head=head or heads.find()) if vectors else None
    if not _is_english(language):
        return _not_covered(turns, language, judge, said or {})
    felt = [
        corrected(turn.text, each, said or {})
        for turn, each in zip(turns, feel([turn.text for turn in turns], judge), strict=True)
    ]
    sentiment = _call_sentiment(_place(turns, felt), judge, is_low_accuracy=is_low_accuracy)
    return Insight(turns=tuple(each.shown for each in felt), sentiment=sentiment)


def label_of_party(sentiment: CallSentiment, party: str) -> SentimentLabel | None:
    """How a party (`agent`, `customer`, or `any` for the call) sounded; None if that is not known."""
    if party == "any":
        return sentiment.label
    score = sentiment.parties.get(party)
    return None if score is None else label_of(score / SCALE, CALL_THRESHOLD)


def _is_english(language: str) -> bool:
    return language.replace("_", "-").partition("-")[0].lower() == "en"


def _not_covered(
    turns: Sequence[Turn], language: str, judge: TrainedJudge | None, said: Mapping[str, SentimentLabel]
) -> Insight:
    reason = f"language {language} is not covered" if language else "the language is not known"
    unknown = Felt(score=0.0, shown=TurnSentiment(label=None, score=None))
    return Insight(
        turns=tuple(corrected(turn.text, unknown, said).shown for turn in turns),
        sentiment=_without_figures(reason, judge, parties={}, doubts=()),
    )


def _without_figures(
    reason: str, judge: TrainedJudge | None, *, parties: dict[str, float | None], doubts: tuple[str, ...]
) -> CallSentiment:
    return CallSentiment(
        score=None,
        label=None,
        trend=None,
        quarters=(None,) * QUARTERS,
        parties=parties,
        reason=reason,
        is_low_confidence=bool(doubts),
        doubts=doubts,
        method=judge.method if judge else RULES_METHOD,
        is_by_rules_alone=judge is None,
    )


# ---- the call -------------------------------------------------------------------------------------------------------


def _place(turns: Sequence[Turn], felt: Sequence[Felt]) -> list[_Moment]:
    first = min((turn.start_s for turn in turns), default=0.0)
    last = max((turn.end_s for turn in turns), default=0.0)
    moments = []
    for number, (turn, each) in enumerate(zip(turns, felt, strict=True)):
        middle_s = (turn.start_s + turn.end_s) / 2
        in_order = (number + 0.5) / len(turns)
        moments.append(
            _Moment(
                turn=turn,
                position=number,
                score=each.score,
                shown=each.shown,
                words=len(words_of(turn.text)),
                in_call=middle_s / last if last > first else in_order,
                in_conversation=(middle_s - first) / (last - first) if last > first else in_order,
            )
        )
    return moments


def _call_sentiment(moments: Sequence[_Moment], judge: TrainedJudge | None, *, is_low_accuracy: bool) -> CallSentiment:
    by_party = _by_party(moments)
    parties = {party: _party_score(heard) for party, heard in by_party.items()}
    main = by_party.get("customer", by_party.get(WHOLE_CALL, []))
    score = _party_score(main)
    doubts = tuple(_doubts(main, is_low_accuracy=is_low_accuracy))
    if score is None:
        reason = f"too little text: fewer than {FEWEST_WORDS} words"
        return _without_figures(reason, judge, parties=parties, doubts=doubts)
    quarters = tuple(_quarter_score(_of_quarter(main, number)) for number in range(QUARTERS))
    turning = _turning_point(main)
    return CallSentiment(
        score=score,
        label=label_of(score / SCALE, CALL_THRESHOLD),
        trend=_trend(quarters),
        quarters=quarters,
        parties=parties,
        is_low_confidence=bool(doubts),
        doubts=doubts,
        method=judge.method if judge else RULES_METHOD,
        is_by_rules_alone=judge is None,
        turning_point_turn=turning.moment.position if turning else None,
        turning_point_s=turning.moment.turn.start_s if turning else None,
        turning_point_change=turning.change if turning else None,
        evidence=_evidence(by_party, parties, main, quarters, turning),
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


def _of_quarter(moments: Sequence[_Moment], number: int) -> list[_Moment]:
    return [moment for moment in moments if min(int(moment.in_conversation * QUARTERS), QUARTERS - 1) == number]


def _quarter_score(moments: Sequence[_Moment]) -> float | None:
    if sum(moment.words for moment in moments) < FEWEST_QUARTER_WORDS:
        return None
    return _average([(moment.score, _length_weight(moment)) for moment in moments])


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


# ---- where it turned ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Turning:
    """The turn from which on the mood was another one, and how much on the shown scale."""

    moment: _Moment
    change: float


def _turning_point(moments: Sequence[_Moment]) -> _Turning | None:
    """Where the mood of a party changed for good; None if it was steady.

    The sum of what each turn differs from the party's mean runs away from zero while the mood is another one than
    later on, and is furthest at the turn where it changes.
    """
    heard = sorted((moment for moment in moments if moment.words), key=lambda moment: moment.in_call)
    if len(heard) < 2:
        return None
    mean = _mean(heard)
    run = list(accumulate(_length_weight(moment) * (moment.score - mean) for moment in heard))
    at = max(range(1, len(heard)), key=lambda at: abs(run[at - 1]))
    before, after = heard[:at], heard[at:]
    change = round(SCALE * (_mean(after) - _mean(before)), 2)
    if abs(change) < TREND_STEP or min(_words(before), _words(after)) < FEWEST_QUARTER_WORDS:
        return None
    return _Turning(moment=heard[at], change=change)


def _mean(moments: Sequence[_Moment]) -> float:
    return sum(_length_weight(each) * each.score for each in moments) / sum(map(_length_weight, moments))


def _words(moments: Sequence[_Moment]) -> int:
    return sum(moment.words for moment in moments)


# ---- what caused it -------------------------------------------------------------------------------------------------


def _evidence(
    by_party: Mapping[str, Sequence[_Moment]],
    parties: Mapping[str, float | None],
    main: Sequence[_Moment],
    quarters: Sequence[float | None],
    turning: _Turning | None,
) -> dict[str, tuple[Evidence, ...]]:
    """The turns that made each figure, and their words; figures that nothing made have none."""

    def by_end(moment: _Moment) -> float:
        return _length_weight(moment) * (0.5 + moment.in_call)

    found = {party: _causes(by_party[party], score, by_end) for party, score in parties.items() if score is not None}
    known = [number for number, score in enumerate(quarters) if score is not None]
    of_quarter = {
        number: _causes(_of_quarter(main, number), quarters[number] or 0.0, _length_weight) for number in known
    }
    found |= {f"quarter {number + 1}": causes for number, causes in of_quarter.items()}
    if len(known) > 1:
        found[TREND] = of_quarter[known[0]] + of_quarter[known[-1]]
    if turning:
        found[TURNING_POINT] = (_cause(turning.moment),)
    return {figure: causes for figure, causes in found.items() if causes}


def _causes(
    moments: Sequence[_Moment], score: float, weight: Callable[[_Moment], float]
) -> tuple[Evidence, ...]:  # fmt: skip
    """The turns that pulled a score most to its side; to either side where it is neither good nor bad."""
    is_plain = label_of(score / SCALE, CALL_THRESHOLD) == "neutral"
    telling = [
        moment
        for moment in moments
        if moment.shown.label not in {None, "neutral"} and (is_plain or moment.score * score > 0)
    ]
    most = sorted(telling, key=lambda moment: -abs(moment.score) * weight(moment))[:MOST_CAUSES]
    return tuple(_cause(moment) for moment in sorted(most, key=lambda moment: moment.position))


def _cause(moment: _Moment) -> Evidence:
    words = moment.turn.text.split()
    quote = " ".join(words[:QUOTED_WORDS]) + (" ..." if len(words) > QUOTED_WORDS else "")
    return Evidence(
        turn=moment.position,
        start_s=moment.turn.start_s,
        words=", ".join(moment.shown.evidence[:MOST_CAUSES]) or quote,
    )


# ---- how sure we are ------------------------------------------------------------------------------------------------


def _doubts(moments: Sequence[_Moment], *, is_low_accuracy: bool) -> list[str]:
    """Why the mood is to be read with doubt."""
    heard = [word.confidence for moment in moments for word in moment.turn.words if word.confidence is not None]
    reasons = {
        "the speech engine misunderstands much of telephone speech": is_low_accuracy,
        f"fewer than {SURE_FROM_WORDS} words were said": _words(moments) < SURE_FROM_WORDS,
        "the speakers are not separated": any(moment.turn.speaker == "unknown" for moment in moments),
        "the engine was unsure of the words": bool(heard) and sum(heard) / len(heard) < SURE_FROM_CONFIDENCE,
    }
    return [reason for reason, holds in reasons.items() if holds]
