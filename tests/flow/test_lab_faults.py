"""Every fault of a real PBX ends a sync by its own name, with the fix, and stores no call."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab.asterisk import Lab
from lab.faults import FAULTS
from tests.fixtures.house import Office

from aftercall import wiring
from aftercall.settings import Settings
from aftercall.store import pbxs
from aftercall.testing import Simulator

pytestmark = pytest.mark.pbx

#: Fault -> code of the sync's error; "" where the PBX is right, or breaks only something a sync does not use.
CODES = {
    "none": "",
    "read-write": "",
    "no-tls": "",
    "session-limit": "",
    "http-off": "pbx-connection-refused",
    "http-prefix": "pbx-ari-off",
    "ari-disabled": "pbx-ari-off",
    "no-ari-module": "pbx-ari-off",
    "recording-directory-line": "pbx-ari-off",
    "no-recordings-module": "pbx-recordings-module-missing",
    "crypt-mismatch": "pbx-sign-in-refused",
    "acl": "pbx-forbidden",
    "no-symlink": "pbx-list-broken",
    "dangling-symlink": "pbx-list-broken",
    "dangling-link-below": "pbx-list-broken",
    "loop-below": "pbx-list-broken",
    "bad-name-below": "pbx-list-broken",
    "wrong-symlink": "pbx-list-empty",
    "own-directory": "pbx-list-empty",
}
#: Asterisk 16 takes an access list for a mistake, and has no ARI at all.
CODES_OF_16 = {"acl": "pbx-ari-off"}


def test_the_table_knows_every_fault() -> None:
    assert CODES.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", [name for name, code in CODES.items() if code])
def test_a_sync_over_a_broken_pbx_says_what_is_broken(
    pbx: Lab, tmp_path: Path, simulator: Simulator, fault: str
) -> None:
    pbx.seed(2)
    pbx.fault(fault)
    code = CODES_OF_16.get(fault, CODES[fault]) if pbx.release == "16" else CODES[fault]
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        entered = pbxs.PbxSettings(
            name="Lab", host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password
        )
        with house.engine.begin() as db:
            pbx_id = pbxs.add(db, entered, house.vault, datetime.now(UTC))
        with wiring.at_work(house, with_schedule=False):
            office = Office(house, simulator, pbx_id)
            progress = office.sync()
            assert progress.sync.error is not None
            assert progress.sync.error.code == code
            assert len(progress.sync.error.fix) > 20
            assert office.rows() == []
            assert office.files() == []


def test_a_closed_tls_port_is_refused_by_name(pbx: Lab, tmp_path: Path, simulator: Simulator) -> None:
    pbx.fault("no-tls")
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        entered = pbxs.PbxSettings(
            name="Lab", host=pbx.host, port=pbx.tls_port, username="a", password="b", use_tls=True
        )
        with house.engine.begin() as db:
            pbx_id = pbxs.add(db, entered, house.vault, datetime.now(UTC))
        with wiring.at_work(house, with_schedule=False):
            progress = Office(house, simulator, pbx_id).sync()
    assert progress.sync.error is not None
    assert progress.sync.error.code == "pbx-connection-refused"
