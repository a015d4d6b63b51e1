"""The page of one call."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.fixtures.web import Web

from aftercall.errors import CodecUnsupported, PbxTimeout
from aftercall.model import CallState, Stage
from aftercall.store import calls, recordings, stages


@pytest.fixture
def done(web: Web) -> str:
    call_id = web.add_call("office-recording")
    web.finish(call_id, "good morning", "this is terrible", scores=(0.0, -4.0), is_low_accuracy=True)
    return call_id


def test_the_page_shows_words_with_their_seconds_moods_and_facts(web: Web, done: str) -> None:
    page = web.owner().get(f"/calls/{done}").text
    for part in (
        'data-s="10.00"', "terrible", "Negative", "−4.0", "office-recording", "basic engine, low accuracy",
        "The speakers are not separated.", "pcm_s16le", "Transcribed", "1.0 s", "[[0.1, 0.2]]",
    ):  # fmt: skip
        assert part in page


def test_what_the_events_of_the_pbx_told_stands_among_the_facts(web: Web, done: str) -> None:
    with web.engine.begin() as db:
        calls.record_facts(
            db, done, web.now, caller_name="Ada Example", callee_name="Front desk", did="5550100",
            answered_at=web.now, ring_s=3.2, hangup_cause=16, hangup_text="Normal Clearing",
            transfers=[{"kind": "blind"}, {"kind": "attended"}],
        )  # fmt: skip
    page = web.owner().get(f"/calls/{done}").text
    for part in (
        "Ada Example, 5550123", "Front desk, 5550100", "<dt>Dialled</dt><dd>5550100</dd>",
        "12:00:00, after ringing 3.2 s", "<dt>Transferred</dt><dd>2 times</dd>", "Normal Clearing",
    ):  # fmt: skip
        assert part in page


def test_what_nobody_told_is_not_shown(web: Web, done: str) -> None:
    page = web.owner().get(f"/calls/{done}").text
    for label in ("Dialled", "Answered", "Rang", "Transferred", "Hang-up"):
        assert f"<dt>{label}</dt>" not in page


def test_the_mood_over_the_call_is_drawn(web: Web, done: str) -> None:
    page = web.owner().get(f"/calls/{done}").text
    assert "Mood over the conversation: quarter 1 −2.0, quarter 2 too few words" in page
    assert '<rect class="bar-negative"' in page


def test_the_sound_is_sent_in_ranges(web: Web, done: str) -> None:
    answer = web.owner().get(f"/calls/{done}/audio", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (206, b"RIFF", "audio/wav")


def test_without_sound_there_is_no_player(web: Web) -> None:
    call_id = web.add_call()
    owner = web.owner()
    assert 'id="player"' not in owner.get(f"/calls/{call_id}").text
    assert owner.get(f"/calls/{call_id}/audio").status_code == 404


def test_a_lost_file_is_said_plainly(web: Web, done: str) -> None:
    (web.house.archive.folder / f"2026/11/{done}.wav").unlink()
    assert web.owner().get(f"/calls/{done}/audio").status_code == 500


def test_neighbours_stay_within_the_list_one_came_from(web: Web) -> None:
    first, middle, last = (web.add_call(f"c{index}", ago=timedelta(minutes=index)) for index in range(3))
    for call_id in (first, last):
        web.finish(call_id, "x", scores=(2.0,))
    page = web.owner().get(f"/calls/{first}?list=mood%3Dpositive").text
    assert f'href="/calls/{last}?list=mood%3Dpositive"' in page
    assert middle not in page
    assert 'href="/?mood=positive"' in page


Fail = Callable[..., str]


@pytest.fixture
def fail(web: Web) -> Fail:
    def make(*, will_retry: bool) -> str:
        call_id = web.add_call()
        error = PbxTimeout(host="192.0.2.10", port=8088, seconds=5.0)
        with web.engine.begin() as db:
            stages.begin(db, call_id, Stage.FETCH, web.now)
            stages.fail(db, call_id, Stage.FETCH, web.now, error, will_retry=will_retry)
            calls.set_state(db, call_id, CallState.WAITING if will_retry else CallState.FAILED, web.now)
            recordings.record_failure(db, call_id, web.now + timedelta(minutes=5) if will_retry else None)
        return call_id

    return make


def test_a_failed_stage_says_what_why_and_what_to_do(web: Web, fail: Fail) -> None:
    page = web.owner().get(f"/calls/{fail(will_retry=False)}").text
    for part in ("did not answer within 5 s.", "A firewall drops the packets", "fwconsole firewall", "pbx-timeout"):
        assert part in page
    assert "Retry now" in page


def test_a_waiting_call_says_when_it_is_tried_again(web: Web, fail: Fail) -> None:
    assert "in 5 min" in web.owner().get(f"/calls/{fail(will_retry=True)}").text


def test_retry_puts_the_call_back_on_its_way(web: Web, fail: Fail) -> None:
    call_id = fail(will_retry=False)
    assert web.owner().post(f"/calls/{call_id}/retry").headers["location"] == f"/calls/{call_id}"
    with web.engine.connect() as db:
        (row,) = calls.rows_by_id(db, [call_id])
    assert row.state is CallState.FOUND


def test_no_audio_is_an_answer_and_not_a_failure(web: Web) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.DECODE, web.now)
        stages.fail(db, call_id, Stage.DECODE, web.now, CodecUnsupported(**CodecUnsupported.example), will_retry=False)
        calls.set_state(db, call_id, CallState.NO_AUDIO, web.now, duration_s=0.0)
    page = web.owner().get(f"/calls/{call_id}").text
    assert "No audio" in page
    assert "There is nothing to write down." in page
    assert "Retry now" not in page


def test_the_last_stage_is_done_when_the_call_is(web: Web, done: str) -> None:
    with web.engine.begin() as db:
        stages.begin(db, done, Stage.INDEX, web.now)
    assert "stage-running" not in web.owner().get(f"/calls/{done}").text
