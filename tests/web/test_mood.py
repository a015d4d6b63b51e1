"""The drawings of moods."""

from hypothesis import given
from hypothesis import strategies as st

from aftercall.model import CallSentiment, SentimentLabel, Transcript, Turn, TurnSentiment
from aftercall.web import mood


def _transcript(*times: tuple[float, float]) -> Transcript:
    turns = tuple(
        Turn(speaker="A", role=None, start_s=start, end_s=end, text="x") for start, end in times
    )  # fmt: skip
    return Transcript(engine="e", model="m", language="en", speakers="stereo", turns=turns)


def _felt(score: float | None) -> TurnSentiment:
    label: SentimentLabel | None = (
        None if score is None else "positive" if score > 0 else "negative" if score < 0 else "neutral"
    )
    return TurnSentiment(label=label, score=score)


def test_what_felt_well_stands_above_the_line_and_what_felt_badly_hangs_below() -> None:
    well, badly, flat = mood.lane(_transcript((0, 5), (5, 10), (10, 15)), (_felt(5), _felt(-5), _felt(0)), 20)
    assert (well.y, well.y + well.height) == (0, mood.MIDDLE)
    assert (badly.y, badly.y + badly.height) == (mood.MIDDLE, mood.HEIGHT)
    assert flat.y < mood.MIDDLE < flat.y + flat.height


def test_a_turn_lies_where_it_was_spoken() -> None:
    (bar,) = mood.lane(_transcript((5, 10)), (_felt(1),), 20)
    assert (bar.x, bar.width, bar.start_s) == (250, 250, 5)


def test_a_turn_without_a_mood_has_no_bar() -> None:
    assert mood.lane(_transcript((0, 1)), (_felt(None),), 2) == ()


@given(
    st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 5000), st.floats(-9, 9)), max_size=20),
    st.none() | st.floats(0, 4000),
)
def test_every_bar_lies_on_the_lane(turns: list[tuple[float, float, float]], duration_s: float | None) -> None:
    transcript = _transcript(*((start, start + length) for start, length, _ in turns))
    for bar in mood.lane(transcript, tuple(_felt(score) for _, _, score in turns), duration_s):
        assert 0 <= bar.x <= bar.x + bar.width <= mood.WIDTH + 0.01
        assert 0 <= bar.y <= bar.y + bar.height <= mood.HEIGHT + 0.01


def _call(*quarters: float | None) -> CallSentiment:
    return CallSentiment(score=1, label="positive", trend="steady", quarters=quarters)


def test_a_quarter_with_too_few_words_is_a_gap_and_never_a_zero() -> None:
    drawn = mood.line(_call(1, 2, None, -3))
    assert drawn is not None
    assert len(drawn.dots) == 3
    assert len(drawn.stretches) == 1
    assert "quarter 3 too few words" in drawn.words


def test_without_any_quarter_there_is_no_line() -> None:
    assert mood.line(_call(None, None, None, None)) is None


def test_better_is_higher() -> None:
    drawn = mood.line(_call(-5, 0, 2, 5))
    assert drawn is not None
    heights = [dot.y for dot in drawn.dots]
    assert heights == sorted(heights, reverse=True)
    assert [dot.kind for dot in drawn.dots] == ["negative", "neutral", "positive", "positive"]
