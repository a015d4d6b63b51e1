"""A PBX is killed, freezes or loses its network in mid work: nothing is lost or doubled, and the truth is told."""

import functools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab.asterisk import Lab
from tests.fixtures.cable import Cable
from tests.fixtures.house import Office, noise

from aftercall import wiring
from aftercall.jobs import clients
from aftercall.pbx.ari import AriClient, Patience
from aftercall.settings import Settings
from aftercall.store import pbxs
from aftercall.testing import Simulator

pytestmark = pytest.mark.pbx

#: Short, so that a test does not last as long as the trouble would.
PATIENCE = Patience(connect_s=2, silence_s=3, list_s=3)
SOME = 12


@pytest.fixture
def cable(pbx: Lab) -> Iterator[Cable]:
    with Cable(pbx.host, pbx.port) as made:
        yield made


@pytest.fixture
def branch(
    pbx: Lab, cable: Cable, tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """An Aftercall connected over the cable to an Asterisk with some recordings."""
    monkeypatch.setattr(clients, "AriClient", functools.partial(AriClient, patience=PATIENCE))
    pbx.seed(SOME)
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        entered = pbxs.PbxSettings(
            name="Branch", host=cable.host, port=cable.port, username=pbx.username, password=pbx.password
        )
        with house.engine.begin() as db:
            pbx_id = pbxs.add(db, entered, house.vault, datetime.now(UTC))
        with wiring.at_work(house, with_schedule=False) as made:
            yield Office(house, simulator, pbx_id, made)


def _kill(pbx: Lab, cable: Cable) -> Callable[[], None]:
    pbx.kill()
    cable.pull()
    cable.mend()
    return pbx.restart


def _freeze(pbx: Lab, cable: Cable) -> Callable[[], None]:
    assert pbx.pid is not None
    os.kill(pbx.pid, signal.SIGSTOP)

    def mend() -> None:
        os.kill(pbx.pid or 0, signal.SIGCONT)
        cable.mend()

    return mend


def _cut(_: Lab, cable: Cable) -> Callable[[], None]:
    cable.cut()

    def mend() -> None:
        cable.pull()
        cable.mend()

    return mend


TROUBLES = {"killed": _kill, "frozen": _freeze, "cut off": _cut}
#: What the sync may say while the trouble lasts.
TOLD = {"pbx-timeout", "pbx-connection-refused", "pbx-dropped", "pbx-closed-silently", "pbx-no-route"}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_in_mid_list(branch: Office, pbx: Lab, cable: Cable, trouble: str) -> None:
    # Held before a byte of the list is through: whatever has come is not lost by what happens then.
    cable.hold_after(1)
    sync_id = branch.house.control.sync(branch.pbx_id, asked_by="user")
    assert cable.is_held.wait(20)
    mend = TROUBLES[trouble](pbx, cable)
    try:
        failed = branch.wait(sync_id)
        assert failed.sync.error is not None
        assert failed.sync.error.code in TOLD
        assert branch.rows() == []
    finally:
        mend()
    branch.sync()
    branch.until(lambda: set(branch.states().values()) == {"done"})
    assert (len(branch.rows()), len(branch.files())) == (SOME, SOME)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_in_mid_download(branch: Office, pbx: Lab, cable: Cable, trouble: str) -> None:
    # Only the download of this one is so long.
    long = pbx.monitor / "2026/11/23/in-5550100-5550123-20261123-101500-1795428900.1.wav"
    long.parent.mkdir(parents=True, exist_ok=True)
    long.write_bytes(noise(600))
    cable.hold_after(100_000)
    branch.house.control.sync(branch.pbx_id, asked_by="user")
    assert cable.is_held.wait(30)
    mend = TROUBLES[trouble](pbx, cable)
    try:
        branch.until(lambda: "waiting" in branch.states().values())
    finally:
        mend()
    branch.until(lambda: set(branch.states().values()) == {"done"}, seconds=120)
    assert (len(branch.rows()), len(branch.files())) == (SOME + 1, SOME + 1)
    assert branch.detail(str(long.relative_to(pbx.monitor))[:-4]).row.duration_s == pytest.approx(600)


def test_a_changed_password_is_tried_once_and_then_never_until_the_settings_change(branch: Office, pbx: Lab) -> None:
    branch.sync()
    before = pbx.cli("http show status")
    assert before
    pbx.password = "another-Secret-20-chars"
    pbx.mend()
    pbx.restart()
    pbx.seed(SOME + 5)
    progress = branch.sync()
    assert progress.sync.error is not None
    assert progress.sync.error.code == "pbx-sign-in-refused"
    with branch.house.engine.connect() as db:
        stopped = pbxs.get(db, branch.pbx_id)
        assert stopped is not None
        assert stopped.blocked_by == "pbx-sign-in-refused"
        assert pbxs.due(db, datetime(2036, 1, 1, tzinfo=UTC)) == []


def test_a_folder_deleted_on_the_pbx_in_mid_sync_takes_nothing_away_here(
    branch: Office, pbx: Lab, cable: Cable
) -> None:
    branch.sync()
    branch.until(lambda: set(branch.states().values()) == {"done"})
    late = pbx.seed(SOME + 20, seconds=1)
    cable.hold_after(9_000)
    branch.house.control.sync(branch.pbx_id, asked_by="user")
    assert cable.is_held.wait(30)
    for folder in pbx.monitor.iterdir():
        shutil.rmtree(folder)
    cable.mend()
    branch.until(lambda: "found" not in branch.states().values())
    states = branch.states()
    assert {states[name] for name in late if name in states} <= {"done", "waiting", "analysing", "fetched"}
    assert sum(state == "done" for state in states.values()) >= SOME
    branch.sync()
    assert branch.states().keys() >= states.keys()
