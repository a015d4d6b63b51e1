"""The sound a player gets."""

import io
import os
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures.web import Web

from aftercall.model import AudioFacts
from aftercall.store import calls, recordings
from aftercall.testing import wav
from aftercall.web import audio


@pytest.fixture
def call_id(web: Web) -> str:
    call_id = web.add_call("call.ulaw")
    web.finish(call_id, "hello")
    return call_id


def _make_ulaw(web: Web, call_id: str, content: bytes = b"\xff" * 8000) -> None:
    """Put in its place what no browser plays: 8,000 samples of mu-law without any header."""
    key = f"2026/11/{call_id}.ulaw"
    (web.house.archive.folder / key).write_bytes(content)
    facts = AudioFacts(format="ulaw", codec="pcm_mulaw", rate_hz=8000, audio_channels=1, duration_s=1.0)
    with web.engine.begin() as db:
        recordings.record_fetched(
            db, call_id, archive_key=key, size_bytes=8000, sha256="e" * 64, content_type="audio/ulaw",
            fetched_at=web.now,
        )  # fmt: skip
        recordings.record_audio(db, call_id, facts, [[0.0]])


def test_what_browsers_play_is_sent_as_it_was_recorded(web: Web, call_id: str) -> None:
    answer = web.owner().get(f"/calls/{call_id}/audio")
    assert answer.content == wav(np.zeros((1, 8000), np.int16), rate_hz=8000)
    assert answer.headers["content-type"] == "audio/wav"


def test_what_they_cannot_play_is_sent_as_a_wave_of_the_same_length(web: Web, call_id: str) -> None:
    _make_ulaw(web, call_id)
    answer = web.owner().get(f"/calls/{call_id}/audio")
    assert answer.status_code == 200
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (8000, 8000, 1)


def test_it_is_made_once_and_ranged_like_any_other(web: Web, call_id: str) -> None:
    _make_ulaw(web, call_id)
    owner = web.owner()
    owner.get(f"/calls/{call_id}/audio")
    (made,) = (web.house.settings.data / "playable").iterdir()
    first = made.stat().st_ino
    part = owner.get(f"/calls/{call_id}/audio", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert made.stat().st_ino == first


def test_what_cannot_be_decoded_is_said_plainly(web: Web, call_id: str) -> None:
    _make_ulaw(web, call_id, b"")
    answer = web.owner().get(f"/api/v1/calls/{call_id}/audio")
    assert answer.json()["code"] == "audio-empty"
    assert list((web.house.settings.data / "playable").iterdir()) == []


@pytest.mark.parametrize(
    ("format_", "codec", "kind"),
    [("wav", "pcm_s16le", "audio/wav"), ("wav", "gsm_ms", None), ("mp3", "mp3float", "audio/mpeg"),
     ("ogg", "opus", "audio/ogg"), ("gsm", "gsm", None), ("ulaw", "pcm_mulaw", None), ("sln16", "pcm_s16le", None)],
)  # fmt: skip
def test_which_formats_browsers_play(web: Web, call_id: str, format_: str, codec: str, kind: str | None) -> None:
    with web.engine.connect() as db:
        call = calls.detail(db, call_id)
    assert call is not None
    assert call.audio is not None
    assert audio.content_type(replace(call, audio=replace(call.audio, format=format_, codec=codec))) == kind


def test_the_longest_unheard_go_first_when_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "KEPT_BYTES", 25)
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / f"{name}.wav").write_bytes(b"x" * 10)
        os.utime(tmp_path / f"{name}.wav", (1000 - age, 1000 - age))
    audio._make_room(tmp_path, keep=tmp_path / "new.wav")
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["new", "old"]
