"""Every figure of a call by name, as rules ask for it."""

from aftercall.insight.figures import figures, interrupted
from aftercall.model import CallMetrics, CallSentiment, Insight, Interruption, PartyMetrics, Span


def test_figures_come_from_the_metrics_where_there_are_any() -> None:
    cut = Interruption(start_s=3.0, end_s=3.5)
    metrics = CallMetrics(
        silence_ms=9000,
        longest_silence_ms=6000,
        silences=(Span(start_s=1, end_s=4), Span(start_s=10, end_s=16)),
        parties={"agent": PartyMetrics(talk_speed=150, interruptions=(cut,)), "customer": PartyMetrics()},
    )
    mood = CallSentiment(score=None, label=None, trend=None, quarters=())
    known = figures((), Insight(turns=(), sentiment=mood, metrics=metrics))
    assert (known["silence_total_s"], known["silence_longest_s"], known["silence_longest_at_s"]) == (9.0, 6.0, 10)
    assert known["agent_talk_speed"] == 150
    assert interrupted(known, "agent") == (1, 500)
    assert interrupted(known, "customer") == (None, None)
    assert interrupted(known, "any") == (None, None)
