"""Calls are transcribed by another machine when the owner says so, and only then."""

from collections.abc import Callable

import numpy as np
import pytest
from cryptography.fernet import Fernet
from tests.fixtures.house import Office
from tests.fixtures.sounds import SOUNDS
from tests.fixtures.speech_service import SpeechService, words_over

from aftercall.audio.decode import decode
from aftercall.doctor import examine
from aftercall.model import Transcript
from aftercall.speech.engine import RemoteService
from aftercall.store import remote_service, speech_settings
from aftercall.store.speech_settings import SpeechSettings
from aftercall.store.vault import Vault
from aftercall.testing import wav

NAME = "2026/11/23/in-5550100-5550101-20261123-101500-1795428900.1"

Synced = Callable[..., Office]


@pytest.fixture
def synced(office: Office) -> Synced:
    """One call of two voices, with these settings."""

    def sync(service: RemoteService, *, engine: str, vault: Vault | None = None) -> Office:
        audio, _ = decode(SOUNDS / "two-voices.opus")
        office.pbx.add_recording(NAME, wav((audio.samples * 32000).astype(np.int16), rate_hz=audio.rate_hz))
        with office.house.engine.begin() as db:
            remote_service.save(db, vault or office.house.vault, service)
            speech_settings.save(db, SpeechSettings(engine=engine))
        office.sync()
        return office

    return sync


def _transcript(office: Office) -> Transcript:
    found = office.detail(NAME).transcript
    assert found
    return found


def test_a_call_goes_there_and_keeps_who_transcribed_it(synced: Synced, speech_service: SpeechService) -> None:
    said = ["hello", "this", "is", "a", "test", "of", "the", "other", "machine"]
    speech_service.answer = lambda asked: (200, {"text": "x", "words": words_over(asked.length_s, *said)}, {})
    transcript = _transcript(synced(speech_service.remote(), engine="remote"))
    assert (transcript.engine, transcript.model) == ("remote", f"whisper-1 at 127.0.0.1:{speech_service.port}")
    assert "the other machine" in " ".join(turn.text for turn in transcript.turns)
    assert {asked.authorization for asked in speech_service.asked} == {"Bearer open-sesame"}


def test_auto_leaves_it_alone_until_the_owner_says_so(synced: Synced, speech_service: SpeechService) -> None:
    office = synced(speech_service.remote(), engine="auto")
    assert _transcript(office).engine == "pocketsphinx"
    assert speech_service.asked == []
    with office.house.engine.begin() as db:
        remote_service.save(db, office.house.vault, speech_service.remote(is_in_auto=True))
    (call,) = office.rows()
    office.house.control.transcribe_again([call.id], engine=None, language=None, query="/", by="owner")
    office.until(lambda: speech_service.asked)


def test_a_refused_key_fails_the_call_which_is_taken_up_again(synced: Synced, speech_service: SpeechService) -> None:
    speech_service.says({"error": {"message": "Incorrect API key"}}, 401)
    office = synced(speech_service.remote(), engine="remote")
    assert office.states() == {NAME: "failed"}
    assert office.error(NAME) == "remote-refused"
    speech_service.says({"text": ""})
    office.house.control.retry(office.rows()[0].id)
    office.until(lambda: office.states() == {NAME: "done"})


@pytest.mark.parametrize(("engine", "state", "code"), [("auto", "done", ""), ("remote", "failed", "secret-unreadable")])
def test_a_key_that_cannot_be_read_harms_no_other_engine(
    synced: Synced, speech_service: SpeechService, engine: str, state: str, code: str
) -> None:
    office = synced(speech_service.remote(), engine=engine, vault=Vault([Fernet.generate_key()]))
    assert office.states() == {NAME: state}
    assert office.error(NAME) == code
    assert speech_service.asked == []


def test_a_service_that_was_taken_away_is_missed_by_name(synced: Synced, speech_service: SpeechService) -> None:
    speech_service.says({"text": ""})
    office = synced(speech_service.remote(), engine="remote")
    with office.house.engine.begin() as db:
        remote_service.remove(db)
    office.pbx.add_recording(NAME + "1", wav(np.zeros((1, 8000), np.int16) + 1, rate_hz=8000))
    office.sync()
    assert office.error(NAME + "1") == "remote-not-set"


@pytest.mark.parametrize(("is_in_auto", "best"), [(True, "remote"), (False, "pocketsphinx")])
def test_the_doctor_says_which_engine_auto_means(
    office: Office, speech_service: SpeechService, is_in_auto: bool, best: str
) -> None:
    house = office.house
    with house.engine.begin() as db:
        remote_service.save(db, house.vault, speech_service.remote(is_in_auto=is_in_auto))
    checks = examine(house.engine, house.vault, house.settings, None)
    assert next(each["what"] for each in checks if each["check"] == "speech") == f"The speech engine is {best}."
