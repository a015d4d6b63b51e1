from dataclasses import replace

import pytest
from tests.fixtures.web import Web

from aftercall.model import NonSpeech, Transcript, Turn, Voices, VoiceSpan, Word
from aftercall.store import calls, transcripts
from aftercall.store.calls import CallFilter


def said(text: str, **facts: object) -> Transcript:
    words = tuple(Word(text=word, start_s=n, end_s=n + 0.5, confidence=0.9) for n, word in enumerate(text.split()))
    turn = Turn(speaker="A", role="agent", start_s=0, end_s=len(words), text=text, words=words)
    known = {"engine": "test", "model": "1", "language": "en", "speakers": "stereo"} | facts
    return Transcript(turns=(turn,), **known)  # type: ignore[arg-type]


@pytest.fixture
def call_id(web: Web) -> str:
    identity = web.add_call()
    with web.engine.begin() as db:
        transcripts.put(db, identity, said("the first words"), web.now)
    return identity


def test_everything_known_of_a_transcript_comes_back(web: Web, call_id: str) -> None:
    made = said(
        "hello there",
        non_speech=(NonSpeech(kind="ringback", audio_channel=0, start_s=0.5, end_s=2.5),),
        activity="energy",
        voices=Voices(
            spans=(VoiceSpan(start_s=0, end_s=2, speaker="A"),), similarity=0.8, is_accepted=True,
            is_low_confidence=False, reason="", method="d-vectors",
        ),
        language_from="text",
    )  # fmt: skip
    with web.engine.begin() as db:
        transcripts.put(db, call_id, made, web.now)
        assert transcripts.of_call(db, call_id) == made


def test_a_new_transcript_leaves_the_one_before_as_an_old_version(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        transcripts.put(db, call_id, said("other words", model="2"), web.now)
        found = transcripts.versions(db, call_id)
        assert [(each.number, each.state, each.model) for each in found] == [(2, "present", "2"), (1, "old", "1")]
        old = transcripts.of_version(db, call_id, 1)
    assert old is not None
    assert old.turns[0].text == "the first words"


def test_a_step_that_runs_twice_makes_one_version(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        transcripts.put(db, call_id, said("the first words"), web.now)
        assert [each.number for each in transcripts.versions(db, call_id)] == [1]


def test_a_candidate_changes_nothing_until_it_is_taken(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        number = transcripts.put_candidate(db, call_id, said("a better try"), rerun_id="r1", now=web.now)
        present = transcripts.of_call(db, call_id)
        assert present
        assert present.turns[0].text == "the first words"
        assert transcripts.candidate(db, call_id, "r1") == number
        transcripts.make_present(db, call_id, number)
        assert [(each.number, each.state) for each in transcripts.versions(db, call_id)] == [(2, "present"), (1, "old")]
        assert transcripts.candidate(db, call_id, "r1") is None


def test_a_rerun_has_one_candidate_for_a_call_however_often_it_runs(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        for text in ("one try", "the same try again"):
            transcripts.put_candidate(db, call_id, said(text), rerun_id="r1", now=web.now)
        assert [each.state for each in transcripts.versions(db, call_id)] == ["present", "candidate"]


def test_an_old_version_can_come_back_and_keeps_its_number(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        transcripts.put(db, call_id, said("other words"), web.now)
        transcripts.make_present(db, call_id, 1)
        assert [(each.number, each.state) for each in transcripts.versions(db, call_id)] == [(1, "present"), (2, "old")]
        transcripts.put(db, call_id, said("third words"), web.now)
        assert transcripts.present_version(db, call_id) == 3


def test_a_version_that_is_not_there_replaces_nothing(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        assert transcripts.make_present(db, call_id, 7) is None
        assert transcripts.present_version(db, call_id) == 1


def test_the_search_finds_the_present_transcript_only(web: Web, call_id: str) -> None:
    def found(word: str) -> int:
        return calls.page(db, CallFilter(text=word)).count

    with web.engine.begin() as db:
        transcripts.put(db, call_id, said("zebra crossing"), web.now)
        assert (found("zebra"), found("first")) == (1, 0)
        transcripts.make_present(db, call_id, 1)
        assert (found("zebra"), found("first")) == (0, 1)
        changed = transcripts.of_call(db, call_id)
        assert changed
        turn = replace(changed.turns[0], text="corrected giraffe")
        transcripts.change(db, call_id, replace(changed, turns=(turn,)))
        assert (found("giraffe"), found("first")) == (1, 0)


def test_the_list_knows_engine_and_language(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        transcripts.put(db, call_id, said("bonjour", engine="parakeet", language="fr"), web.now)
        row = calls.rows_by_id(db, [call_id])[0]
    assert (row.engine, row.language) == ("parakeet", "fr")
