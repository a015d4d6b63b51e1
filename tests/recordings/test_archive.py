import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.errors import ArchiveBroken, ArchiveFull
from aftercall.recordings.archive import Archive, key_for

STARTED_AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_what_is_put_comes_back_by_ranges(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "recordings")
    archive.put("2026/11/a.wav", io.BytesIO(bytes(range(100))))
    assert archive.size("2026/11/a.wav") == 100
    assert archive.read_range("2026/11/a.wav", 10, 13) == bytes([10, 11, 12])
    assert archive.path("2026/11/a.wav").read_bytes() == bytes(range(100))


def test_a_second_put_replaces_the_first(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.put("a.wav", io.BytesIO(b"first and longer"))
    archive.put("a.wav", io.BytesIO(b"second"))
    assert archive.path("a.wav").read_bytes() == b"second"


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with pytest.raises(ArchiveBroken):
        archive.read_range("gone.wav", 0, 1)
    with pytest.raises(ArchiveBroken):
        archive.path("gone.wav")
    with pytest.raises(ArchiveBroken):
        archive.size("gone.wav")


def test_deleting_twice_is_no_matter(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.put("a.wav", io.BytesIO(b"x"))
    archive.delete(["a.wav", "a.wav"])
    assert list(tmp_path.rglob("*.wav")) == []


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ArchiveFull, match="no room"):
        Archive(tmp_path, reserve_bytes=2**62).require_room()


@given(st.text())
def test_keys_never_leave_the_archive(content_type: str) -> None:
    key = key_for("0123abcd", STARTED_AT, content_type)
    assert key.startswith("2026/11/0123abcd.")
    assert ".." not in key
    assert key.count("/") == 2
    assert key.rpartition(".")[2].isalnum()
