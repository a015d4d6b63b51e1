from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from aftercall.store import calls, vocabulary

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _add(db: sa.Connection, phrase: str) -> bool:
    return vocabulary.add(db, phrase, source="typed", by="owner", now=NOW)


def test_a_phrase_is_kept_once_whatever_its_case(engine: sa.Engine) -> None:
    with engine.begin() as db:
        assert _add(db, "  Kowalczyk   GmbH ")
        assert not _add(db, "kowalczyk gmbh")
        assert [each.phrase for each in vocabulary.every(db)] == ["Kowalczyk GmbH"]
        vocabulary.remove(db, "Kowalczyk GmbH")
        assert vocabulary.every(db) == []


def test_a_number_is_no_name(engine: sa.Engine) -> None:
    with engine.begin() as db:
        assert not _add(db, "5550100")
        assert not _add(db, " - ")


def test_names_of_colleagues_and_queues_follow_what_people_entered(
    engine: sa.Engine, add_calls: Callable[..., list[str]]
) -> None:
    first, second = add_calls(2)
    with engine.begin() as db:
        _add(db, "Zeppelin")
        calls.record_facts(db, first, NOW, direction="inbound", caller_name="A Customer", callee_name="Ada Agent")
        calls.record_facts(db, second, NOW, direction="outbound", caller_name="Ben Agent", callee_name="600")
        assert vocabulary.phrases(db, with_names=True) == ("Zeppelin", "Ada Agent", "Ben Agent")
        assert vocabulary.phrases(db, with_names=False) == ("Zeppelin",)
