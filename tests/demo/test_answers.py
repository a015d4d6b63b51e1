"""The simulator against what a real Asterisk answered, byte by byte."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aftercall.demo.simulator import Simulator

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "pbx" / "answers-of-asterisk-22.json").read_text()
)


def label(row: dict[str, Any]) -> str:
    return f"{row['user']}: {row['request'].partition(chr(13))[0]}"


@pytest.fixture(scope="module")
def twins() -> Iterator[dict[str, Simulator]]:
    """Simulators with the files and the user of the recorded PBX, one for each setting of read_only."""
    pbxs = {}
    for user in ("read-only", "read-write"):
        pbx = Simulator(
            username=RECORDED["username"],
            password=RECORDED["password"],
            version=RECORDED["version"],
            read_only=user == "read-only",
        )
        for file in RECORDED["files"]:
            pbx.add_recording(file["name"], bytes.fromhex(file["content_hex"]), file["format"])
        pbx.start()
        pbxs[user] = pbx
    yield pbxs
    for pbx in pbxs.values():
        pbx.stop()


@pytest.mark.parametrize("row", RECORDED["answers"], ids=label)
def test_the_simulator_answers_as_asterisk_did(
    row: dict[str, Any], twins: dict[str, Simulator], talk: Callable[..., tuple[bytes, bool]]
) -> None:
    reply, closed = talk(twins[row["user"]].port, row["request"].encode(), at_least=len(row["reply"]))
    assert re.sub(r"Date: [^\r]*", "Date: *", reply.decode("latin-1")) == row["reply"]
    assert closed == row["closed"]
