"""Calls on a real Asterisk appear while they go on, and come home as they end, without a list."""

import functools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab.asterisk import Lab
from tests.fixtures.cable import Cable
from tests.fixtures.house import Office

from aftercall import wiring
from aftercall.jobs import hearing
from aftercall.pbx import events
from aftercall.pbx.events import EventPatience
from aftercall.settings import Settings
from aftercall.store import health, pbxs
from aftercall.store.pbxs import Pbx
from aftercall.testing import Simulator

pytestmark = pytest.mark.pbx

PATIENCE = EventPatience(connect_s=3, ping_every_s=1, pong_s=1, shortest_wait_s=0.5, longest_wait_s=1)

Listening = Callable[..., AbstractContextManager[Office]]


@pytest.fixture
def listening(pbx: Lab, tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Listening:
    """Opens an Aftercall that listens to the Asterisk's events; no schedule asks for lists."""
    monkeypatch.setattr(hearing, "listen", functools.partial(events.listen, patience=PATIENCE))

    @contextmanager
    def open_(*, port: int | None = None, **settings: object) -> Iterator[Office]:
        with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
            entered = pbxs.PbxSettings(
                name="Branch",
                host=pbx.host,
                port=port or pbx.port,
                username=pbx.username,
                password=pbx.password,
                **settings,  # type: ignore[arg-type]
            )
            with house.engine.begin() as db:
                pbx_id = pbxs.add(db, entered, house.vault, datetime.now(UTC))
            with wiring.at_work(house, with_schedule=False, with_events=True) as clients:
                yield Office(house, simulator, pbx_id, clients)

    return open_


def _pbx(office: Office) -> Pbx:
    with office.house.engine.connect() as db:
        found = pbxs.get(db, office.pbx_id)
    assert found is not None
    return found


def _hears(office: Office) -> bool:
    return _pbx(office).events_state == "connected"


def _let_them_talk(office: Office, pbx: Lab) -> None:
    """Until there is something in every recording: Asterisk writes two seconds at a time."""
    office.until(lambda: all(path.stat().st_size > 20_000 for path in pbx.monitor.rglob("*.wav")))


def test_a_call_shows_while_it_goes_on_and_comes_home_when_it_ends(listening: Listening, pbx: Lab) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        (name,) = pbx.call(kind="external", frm="5550101234", caller_name="Ada Example", tail_s=60, wait=False)
        office.until(lambda: office.states() == {name: "in progress"})
        office.until(lambda: office.rows()[0].answered_at is not None)
        _let_them_talk(office, pbx)
        pbx.hang_up()
        office.until(lambda: office.states() == {name: "done"})
        row = office.rows()[0]
        assert (row.caller_name, row.caller, row.did, row.context) == (
            "Ada Example", "5550101234", "200", "from-trunk",
        )  # fmt: skip
        assert (row.disposition, row.hangup_cause, row.transfers) == ("answered", 16, None)
        assert row.ring_s == pytest.approx(0.5, abs=0.4)
        assert row.hung_up_at is not None
        assert row.duration_s == pytest.approx((row.hung_up_at - row.started_at).total_seconds(), abs=1.5)
        with office.house.engine.connect() as db:
            lags = health.lags(db, office.pbx_id, since=datetime(2020, 1, 1, tzinfo=UTC))
        assert (lags.listed.count, lags.fetched.count, lags.analysed.count) == (1, 1, 1)
        assert (lags.listed.p50_s or 0) <= (lags.fetched.p50_s or 0) <= (lags.analysed.p50_s or 0)


def test_twenty_calls_that_end_together_all_come_home_once(listening: Listening, pbx: Lab) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        names = pbx.call(count=20, tail_s=60, wait=False)
        office.until(lambda: len(office.rows()) == 20)
        _let_them_talk(office, pbx)
        pbx.hang_up()
        office.until(lambda: set(office.states().values()) == {"done"}, seconds=120)
        assert sorted(office.states()) == names
        assert len(office.files()) == 20
        # The list knows nothing more.
        progress = office.sync()
        assert (progress.sync.found_count, progress.sync.new_count) == (20, 0)


def test_where_the_events_are_switched_off_only_the_list_brings_calls(listening: Listening, pbx: Lab) -> None:
    with listening(hears_events=False) as office:
        (name,) = pbx.call()
        assert _pbx(office).events_state is None
        assert office.rows() == []
        office.sync()
        office.until(lambda: office.states() == {name: "done"})


def test_an_asterisk_that_comes_back_is_heard_again_and_what_was_missed_comes_with_a_list(
    listening: Listening, pbx: Lab
) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        pbx.kill()
        office.until(lambda: _pbx(office).events_state == "lost")
        error = _pbx(office).events_error
        assert error is not None
        assert error.code in {"pbx-dropped", "pbx-connection-refused", "pbx-closed-silently"}
        (missed,) = pbx.seed(1)
        pbx.restart()
        office.until(lambda: _hears(office))
        office.until(lambda: office.states().get(missed) == "done")
        (heard,) = pbx.call()
        office.until(lambda: office.states() == {missed: "done", heard: "done"})


def test_a_line_that_goes_dead_is_noticed_and_the_call_that_ended_meanwhile_is_not_lost(
    listening: Listening, pbx: Lab
) -> None:
    with Cable(pbx.host, pbx.port) as cable, listening(port=cable.port) as office:
        office.until(lambda: _hears(office))
        (name,) = pbx.call(tail_s=60, wait=False)
        office.until(lambda: office.states() == {name: "in progress"})
        _let_them_talk(office, pbx)
        cable.cut()
        office.until(lambda: _pbx(office).events_state == "lost")
        pbx.hang_up()
        cable.pull()
        cable.mend()
        office.until(lambda: _hears(office))
        office.until(lambda: office.states() == {name: "done"})
        assert len(office.files()) == 1


def test_an_asterisk_that_freezes_is_noticed_and_heard_again_when_it_thaws(listening: Listening, pbx: Lab) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        assert pbx.pid is not None
        os.kill(pbx.pid, signal.SIGSTOP)
        try:
            office.until(lambda: _pbx(office).events_state == "lost")
        finally:
            os.kill(pbx.pid, signal.SIGCONT)
        office.until(lambda: _hears(office))
        (name,) = pbx.call()
        office.until(lambda: office.states() == {name: "done"})


def test_a_refused_sign_in_is_tried_once_and_stops_everything_until_the_settings_change(
    listening: Listening, pbx: Lab
) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        right, pbx.password = pbx.password, "another-Secret-20-chars"
        try:
            pbx.mend()
            pbx.restart()
            office.until(lambda: _pbx(office).blocked_by == "pbx-sign-in-refused")
            office.until(lambda: _pbx(office).events_state is None)
        finally:
            pbx.password = right
            pbx.mend()
            pbx.restart()


def test_a_second_listener_of_the_same_name_is_said_and_not_fought(
    listening: Listening, pbx: Lab, tmp_path: Path
) -> None:
    with listening() as office:
        office.until(lambda: _hears(office))
        with office.house.engine.connect() as db:
            application = hearing.application_name(db)
        assert application is not None
        pbx.request(f"/ari/events?app={application}")  # asked in the wrong way: takes nothing over
        assert _hears(office)
        with _second_listener(pbx, application):
            office.until(lambda: _pbx(office).events_state == "lost")
            error = _pbx(office).events_error
            assert error is not None
            assert (error.code, application in error.what) == ("pbx-events-taken", True)
            with office.house.engine.begin() as db:
                assert hearing.rename(db) != application
            office.until(lambda: _hears(office))


@contextmanager
def _second_listener(pbx: Lab, application: str) -> Iterator[None]:
    from websockets.sync.client import connect

    with connect(
        f"ws://{pbx.host}:{pbx.port}/ari/events?app={application}&subscribeAll=true"
        f"&api_key={pbx.username}:{pbx.password}",
        proxy=None,
    ):
        yield


def test_a_call_left_out_by_the_filters_is_not_heard(listening: Listening, pbx: Lab) -> None:
    from aftercall.recordings.filters import Filters

    with listening(filters=Filters(directions=frozenset({"outbound"}))) as office:
        office.until(lambda: _hears(office))
        pbx.call(kind="external")
        (name,) = pbx.call(kind="out")
        office.until(lambda: office.states() == {name: "done"})
