"""Blocks of ports: each running instance has one of its own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.debian import NotHere
from lab.ports import Block

from lab import ports


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and ports that no instance of a test that runs beside this one takes."""
    monkeypatch.setenv("AFTERCALL_LAB_DIR", str(tmp_path))
    monkeypatch.setattr(ports, "FIRST", 4_000 + os.getpid() % 20 * 800)
    monkeypatch.setattr(ports, "COUNT", 2)
    return tmp_path


@pytest.fixture
def block() -> Iterator[Block]:
    claimed = Block.claim()
    yield claimed
    claimed.release()


def test_two_instances_never_get_the_same_block(block: Block) -> None:
    other = Block.claim()
    assert other.first >= block.rtp[1] + 1
    other.release()


def test_a_released_block_can_be_claimed_again(block: Block) -> None:
    block.release()
    again = Block.claim()
    assert again.first == block.first
    again.release()


def test_a_block_whose_ports_somebody_else_uses_is_passed_over(block: Block) -> None:
    block.release()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", block.tls))
        listener.listen()
        other = Block.claim()
        assert other.first != block.first
        other.release()


def test_what_a_killed_instance_has_left_is_removed(block: Block) -> None:
    (block.folder / "log").mkdir(parents=True)
    block.release()
    again = Block.claim()
    assert not again.folder.exists()
    again.release()


def test_when_all_are_in_use_it_says_so(block: Block) -> None:
    other = Block.claim()
    with pytest.raises(NotHere, match="all in use"):
        Block.claim()
    other.release()


def test_a_process_that_inherits_a_block_keeps_it(block: Block) -> None:
    with subprocess.Popen(["sleep", "600"], pass_fds=block.inherited) as heir:
        block.release()
        assert not Block(first=block.first).hold()
        heir.kill()
    assert block.hold()


def test_the_system_hands_out_none_of_them_for_outgoing_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    # Some machines are tuned to hand out nearly all ports; there the lab relies on its look at each block.
    assert max(lowest, 32_768) >= ports.FIRST + ports.SIZE * ports.COUNT
