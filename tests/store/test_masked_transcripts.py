"""This file tests that what the policy hides never reaches a table."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from tests.fixtures.web import Web
from tests.store.test_transcripts import said

from aftercall.store import corrections, redaction_settings, shapes, transcripts
from aftercall.store.redaction_settings import RedactionSettings
from aftercall.store.tables import metadata

CARD = "4111 1111 1111 1112"


def everything_stored(web: Web) -> str:
    with web.engine.connect() as db:
        return repr([db.execute(sa.select(table)).all() for table in metadata.sorted_tables])


@pytest.fixture
def call_id(web: Web) -> str:
    identity = web.add_call()
    with web.engine.begin() as db:
        transcripts.put(db, identity, said(f"my card is {CARD} thanks"), web.now)
    return identity


def test_a_stored_transcript_has_a_label_in_place_of_the_card(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        kept = transcripts.of_call(db, call_id)
    assert kept is not None
    assert kept.turns[0].text == "my card is [card number] thanks"
    assert kept.turns[0].words[3].redacted == "card"
    assert shapes.understood(kept, None)["redactions"] == [
        {"turn": 0, "kind": "card", "text": "[card number]", "start_s": 3.0, "end_s": 6.5}
    ]
    assert "1111" not in everything_stored(web)


def test_storing_the_same_transcript_twice_leaves_one_version(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        transcripts.put(db, call_id, said(f"my card is {CARD} thanks"), web.now)
        assert len(transcripts.versions(db, call_id)) == 1


def test_candidates_and_old_versions_are_masked(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        number = transcripts.put_candidate(
            db, call_id, said(f"the card {CARD} please"), rerun_id="r", now=web.now
        )  # fmt: skip
        transcripts.make_present(db, call_id, number)
    assert "1111" not in everything_stored(web)


def test_a_card_typed_into_a_correction_is_masked(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        turn = corrections.correct(
            db,
            call_id,
            0,
            text=f"so my card is {CARD}",
            expected="my card is [card number] thanks",
            by="me",
            now=web.now,
        )
    assert turn.text == "so my card is [card number]"
    assert "1111" not in everything_stored(web)


def test_a_label_in_a_corrected_line_stays_a_label(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        corrections.correct(
            db,
            call_id,
            0,
            text="so my card is [card number], thank you",
            expected="my card is [card number] thanks",
            by="me",
            now=web.now,
        )
        kept = transcripts.of_call(db, call_id)
    assert kept is not None
    (label,) = [word for word in kept.turns[0].words if word.redacted]
    assert (label.text, label.redacted) == ("[card number]", "card")
    assert label.start_s < label.end_s


def test_what_the_policy_keeps_is_stored_as_it_was_said(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        usual = RedactionSettings()
        redaction_settings.save(db, replace(usual, policies={**usual.policies, "phone": "keep"}))
        transcripts.change(db, call_id, said(f"call me at 555-234-9876 my card is {CARD}"))
        kept = transcripts.of_call(db, call_id)
    assert kept is not None
    assert kept.turns[0].text == "call me at 555-234-9876 my card is [card number]"
