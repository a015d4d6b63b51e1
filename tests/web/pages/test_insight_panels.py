"""Key moments, figures and the loudness lane on a call's page, and the reason in the list."""

from dataclasses import replace

import pytest
from tests.fixtures.web import Web

from aftercall.insight.whole import InsightSettings, understand
from aftercall.model import CallFacts, Role, Transcript, Turn
from aftercall.store import insights, transcripts

LINES: tuple[tuple[Role, str], ...] = (
    ("agent", "Thank you for calling Acme, how can I help you?"),
    ("customer", "I'm calling because my <b>boiler</b> has stopped working since Sunday."),
    ("agent", "I'll send an engineer tomorrow morning, the boiler is still under warranty."),
    ("customer", "Thank you, that is very helpful of you."),
)


@pytest.fixture
def known(web: Web) -> str:
    call_id = web.add_call("office-recording")
    web.finish(call_id, "x")
    turns = tuple(
        Turn(speaker="AB"[n % 2], role=role, start_s=n * 5.0, end_s=n * 5.0 + 4, text=text, loudness=60.0 + n)
        for n, (role, text) in enumerate(LINES)
    )
    made = Transcript(engine="test", model="none", language="en", speakers="stereo", turns=turns)
    _understood(web, call_id, made)
    return call_id


def _understood(web: Web, call_id: str, made: Transcript) -> None:
    facts = CallFacts(direction="inbound", started_at=web.now, utc_offset_min=0)
    with web.engine.begin() as db:
        transcripts.put(db, call_id, made, web.now)
        insights.put(db, call_id, understand(made, facts, InsightSettings()), web.now)


def test_moments_are_quotes_that_lead_to_their_second(web: Web, known: str) -> None:
    page = web.owner().get(f"/calls/{known}").text
    for part in ("Key moments", "Reason for the call", 'class="moment-quote" data-seek="5.00"', "follow-up promised",
                 "customer thanked at the end", 'title="tomorrow morning">by 2026-'):  # fmt: skip
        assert part in page
    assert "<b>boiler" not in page
    assert "ummary of" not in page


def test_figures_have_their_evidence_or_their_reason(web: Web, known: str) -> None:
    page = web.owner().get(f"/calls/{known}").text
    for part in ("Figures", "Agent 50%", "Customer 50%", "Longest story",
                 "not known: it is not known when the call was answered", "Loudness of each turn"):  # fmt: skip
        assert part in page


def test_not_separated_says_so_in_place_of_figures(web: Web, known: str) -> None:
    with web.engine.begin() as db:
        made = transcripts.of_call(db, known)
    assert made is not None
    turns = tuple(replace(each, speaker="unknown", role=None) for each in made.turns)
    _understood(web, known, replace(made, speakers="not separated", turns=turns))
    page = web.owner().get(f"/calls/{known}").text
    assert page.count("not known: the speakers are not separated") >= 10
    assert 'class="share"' not in page


def test_the_list_shows_the_reason_in_one_line(web: Web, known: str) -> None:
    page = web.owner().get("/").text
    assert "<q>I&#39;m calling because my &lt;b&gt;boiler&lt;/b&gt; has stopped working since Sunday.</q>" in page


def test_the_api_gives_figures_and_moments(web: Web, known: str) -> None:
    shape = web.owner().get(f"/api/v1/calls/{known}").json()
    assert (shape["talk_share"], shape["open_promises"], shape["interruptions"]) == (0.5, 1, None)
    assert shape["metrics"]["parties"]["agent"]["talk_time_ms"] == 8000
    assert shape["metrics"]["reasons"]["dead_air_start_ms"]
    promise = next(each for each in shape["moments"]["items"] if each["kind"] == "promise")
    assert (promise["owner"], promise["turn"], promise["start_s"]) == ("agent", 2, 10.0)
    assert promise["due"]
    assert shape["turns"][1]["loudness"] == 61.0
