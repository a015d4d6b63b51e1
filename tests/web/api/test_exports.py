"""A call's transcript as a file, by the API and by the page."""

from email.message import Message
from io import BytesIO
from urllib.parse import unquote

import docx
import pytest
from tests.fixtures.subtitle_files import read_srt, read_vtt
from tests.fixtures.web import Web

from aftercall.model import Transcript, Turn
from aftercall.store import transcripts
from aftercall.store.tables import call

ADDRESSES = ["/api/v1/calls/{}/export/{}", "/calls/{}/export/{}"]


@pytest.fixture
def call_id(web: Web) -> str:
    made = web.add_call("in-1")
    web.finish(made, "we sell hoses", "thank you", is_low_accuracy=True)
    return made


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        ("txt", "text/plain; charset=utf-8"),
        ("srt", "application/x-subrip; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("json", "application/json"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
def test_a_transcript_is_saved_as_a_file(web: Web, call_id: str, address: str, suffix: str, kind: str) -> None:
    answer = web.owner().get(address.format(call_id, suffix))
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="2026-11-23 12.00 inbound 5550123.{suffix}"'
    )
    assert answer.headers["cache-control"] == "no-store"


def test_text_holds_what_was_said(web: Web, call_id: str) -> None:
    text = web.owner().get(f"/api/v1/calls/{call_id}/export/txt").text
    assert text.endswith("[0:00:00] we sell hoses\n[0:00:10] thank you\n")
    assert "Low accuracy" in text
    assert "Transcribed by: test (none)" in text


def test_subtitles_can_be_read(web: Web, call_id: str) -> None:
    client = web.owner()
    assert read_srt(client.get(f"/api/v1/calls/{call_id}/export/srt").content)[-1].lines == ["thank you"]
    assert read_vtt(client.get(f"/api/v1/calls/{call_id}/export/vtt").content)[1][-1].lines == ["thank you"]


def test_json_tells_the_same_as_the_call_itself(web: Web, call_id: str) -> None:
    client = web.owner()
    exported = client.get(f"/api/v1/calls/{call_id}/export/json").json()
    whole = client.get(f"/api/v1/calls/{call_id}").json()
    assert exported["call"]["id"] == whole["id"]
    assert exported["call"]["started_at"] == whole["started_at"]
    for name in ("speaker", "role", "start_s", "end_s", "text", "words", "is_understood", "is_corrected"):
        assert [turn[name] for turn in exported["turns"]] == [turn[name] for turn in whole["turns"]]


def test_a_word_document_can_be_opened(web: Web, call_id: str) -> None:
    answer = web.owner().get(f"/calls/{call_id}/export/docx")
    assert docx.Document(BytesIO(answer.content)).paragraphs[-1].text.endswith("thank you")


def test_a_name_that_is_not_ascii_comes_in_both_forms(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        db.execute(call.update().where(call.c.id == call_id).values(caller_name='Zoë "Łu"; x=1'))
    said = web.owner().get(f"/calls/{call_id}/export/txt").headers["content-disposition"]
    plain, _, extended = said.removeprefix("attachment; ").partition("; filename*=UTF-8''")
    assert plain == 'filename="2026-11-23 12.00 inbound Zo_ _u _ x_1.txt"'
    assert unquote(extended) == "2026-11-23 12.00 inbound Zoë Łu ; x=1.txt"
    parsed = Message()
    parsed["content-disposition"] = said
    assert parsed.get_content_disposition() == "attachment"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_call_without_a_transcript_has_no_file(web: Web, address: str) -> None:
    answer = web.owner().get(address.format(web.add_call("new"), "txt"), headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert "transcript" in answer.text


def test_an_empty_transcript_has_one(web: Web) -> None:
    made = web.add_call("silent")
    web.finish(made)
    answer = web.owner().get(f"/api/v1/calls/{made}/export/txt")
    assert "No speech was recognised in this call." in answer.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_format_is_refused(web: Web, call_id: str, address: str) -> None:
    assert web.owner().get(address.format(call_id, "pdf")).status_code == 422


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_call_that_is_not_theirs_has_no_file(web: Web, call_id: str, address: str) -> None:
    assert web.owner(role="guest").get(address.format(call_id, "txt")).status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_unknown_gets_a_file(web: Web, call_id: str, address: str) -> None:
    assert web.visitor().get(address.format(call_id, "txt")).status_code in {303, 401}


def test_the_present_transcript_is_exported(web: Web, call_id: str) -> None:
    newer = Turn(speaker="unknown", role=None, start_s=0, end_s=1, text="We sell roses.")
    with web.engine.begin() as db:
        transcripts.put(
            db,
            call_id,
            Transcript(engine="parakeet", model="tiny", language="en", speakers="not separated", turns=(newer,)),
            web.now,
        )
    text = web.owner().get(f"/api/v1/calls/{call_id}/export/txt").text
    assert "We sell roses." in text
    assert "hoses" not in text
