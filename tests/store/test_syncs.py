from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from aftercall.errors import PbxListBroken
from aftercall.model import CallState
from aftercall.store import calls, pbxs, syncs
from aftercall.store.vault import Vault

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_twenty_clicks_at_once_are_one_sync(engine: sa.Engine, pbx_id: str) -> None:
    def ask(_: int) -> tuple[str, bool]:
        with engine.begin() as db:
            return syncs.ask(db, pbx_id, "user", NOW)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(20)))
    assert len({sync_id for sync_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


def test_a_click_after_the_end_is_a_new_sync(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        first, _ = syncs.ask(db, pbx_id, "user", NOW)
        syncs.finish(db, first, found_count=0, new_count=0, now=NOW)
        second, is_new = syncs.ask(db, pbx_id, "user", NOW)
    assert is_new
    assert second != first


def test_progress_counts_where_the_calls_stand(engine: sa.Engine, add_calls: Callable[..., list[str]]) -> None:
    ids = add_calls(5)
    states = [CallState.DONE, CallState.NO_AUDIO, CallState.FAILED, CallState.WAITING, CallState.FETCHED]
    with engine.begin() as db:
        sync_id = calls.rows_by_id(db, ids)[0].sync_id
        assert sync_id is not None
        for identity, state in zip(ids, states, strict=True):
            calls.set_state(db, identity, state, NOW)
        syncs.finish(db, sync_id, found_count=5, new_count=5, now=NOW)
        progress = syncs.progress(db, sync_id)
    assert progress is not None
    assert (progress.done_count, progress.failed_count, progress.waiting_count, progress.moving_count) == (2, 1, 1, 1)
    assert not progress.is_over


def test_a_failed_sync_keeps_its_cause_and_fix(engine: sa.Engine, pbx_id: str) -> None:
    error = PbxListBroken(folder="/var/spool/asterisk/recording", spool="/var/spool/asterisk")
    with engine.begin() as db:
        sync_id, _ = syncs.ask(db, pbx_id, "user", NOW)
        syncs.fail(db, sync_id, error, NOW)
        found = syncs.get(db, sync_id)
    assert found is not None
    assert found.error is not None
    assert (found.error.code, found.error.fix) == ("pbx-list-broken", error.fix)


def test_a_pbx_is_due_an_interval_after_the_last_time(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        assert [each.id for each in pbxs.due(db, NOW)] == [pbx_id]
        pbxs.mark_due(db, pbx_id, NOW)
        assert pbxs.due(db, NOW + timedelta(minutes=9, seconds=59)) == []
        assert [each.id for each in pbxs.due(db, NOW + timedelta(minutes=10))] == [pbx_id]


def test_a_changed_interval_counts_at_once(engine: sa.Engine, pbx_id: str, vault: Vault) -> None:
    shorter = pbxs.PbxSettings(
        name="Office", host="192.0.2.10", port=8088, username="a", password=None, sync_interval_min=1
    )
    with engine.begin() as db:
        pbxs.mark_due(db, pbx_id, NOW)
        pbxs.change(db, pbx_id, shorter, vault, NOW)
        assert [each.id for each in pbxs.due(db, NOW + timedelta(minutes=1))] == [pbx_id]


def test_a_blocked_pbx_is_left_alone_until_its_settings_change(engine: sa.Engine, pbx_id: str, vault: Vault) -> None:
    same = pbxs.PbxSettings(name="Office", host="192.0.2.10", port=8088, username="a", password=None)
    with engine.begin() as db:
        pbxs.block(db, pbx_id, "pbx-sign-in-refused")
        assert pbxs.due(db, NOW) == []
        pbxs.change(db, pbx_id, same, vault, NOW)
        assert len(pbxs.due(db, NOW)) == 1


def test_a_changed_pbx_without_a_new_password_keeps_the_old_one(engine: sa.Engine, pbx_id: str, vault: Vault) -> None:
    same = pbxs.PbxSettings(name="Office", host="192.0.2.11", port=8088, username="a", password=None)
    with engine.begin() as db:
        pbxs.change(db, pbx_id, same, vault, NOW)
        address = pbxs.address(db, pbx_id, vault)
    assert address is not None
    assert (address.host, address.password) == ("192.0.2.11", "open sesame")


def test_the_password_is_not_in_the_database_file(engine: sa.Engine, pbx_id: str, data) -> None:
    with engine.begin() as db:
        db.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert b"open sesame" not in b"".join(path.read_bytes() for path in data.glob("aftercall.db*"))


def test_runs_that_found_nothing_are_forgotten_and_all_others_kept(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        for new_count in (0, 3):
            sync_id, _ = syncs.ask(db, pbx_id, "schedule", NOW)
            syncs.finish(db, sync_id, found_count=9, new_count=new_count, skipped_count=1, list_s=0.5, now=NOW)
        failed, _ = syncs.ask(db, pbx_id, "schedule", NOW)
        syncs.fail(db, failed, PbxListBroken(folder="/a", spool="/b"), NOW)
        assert syncs.forget_idle(db, NOW) == 0
        assert syncs.forget_idle(db, NOW + timedelta(days=7)) == 1
        left = syncs.history(db, pbx_id)
    assert {(each.state, each.new_count) for each in left} == {("listed", 3), ("failed", None)}


def test_the_history_is_paged_newest_first(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        for minute in range(5):
            sync_id, _ = syncs.ask(db, pbx_id, "schedule", NOW + timedelta(minutes=minute))
            syncs.finish(db, sync_id, found_count=0, new_count=0, now=NOW)
        first = syncs.history(db, pbx_id, limit=3)
        second = syncs.history(db, pbx_id, before=first[-1].requested_at, limit=3)
    minutes = [(each.requested_at - NOW).total_seconds() / 60 for each in [*first, *second]]
    assert minutes == [4, 3, 2, 1, 0]
