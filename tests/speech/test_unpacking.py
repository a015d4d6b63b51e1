"""Tests of unpacking, with archives that were made to harm."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.model_source import Packed, tar_of

from aftercall.errors import ModelArchiveDamaged, ModelArchiveUnsafe, ModelTooLarge
from aftercall.speech import unpacking

LIMIT = 1_000_000


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "inside"
    folder.mkdir(parents=True)
    return folder


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def tar_with(path: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    member.size = len(content)
    with tarfile.open(path, "w") as tar:
        tar.addfile(member, io.BytesIO(content))
    return path


def a_member(name: str, **facts: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for fact, value in facts.items():
        setattr(member, fact, value)
    return member


@pytest.mark.parametrize("kind", ["", "bz2", "gz", "xz"])
def test_plain_files_come_out_of_every_kind_of_tar(kind: Packed, tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.tar"
    archive.write_bytes(tar_of({"a/b.txt": b"one", "c.txt": b"two"}, kind=kind))
    unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert (into / "a/b.txt").read_bytes() == b"one"
    assert (into / "c.txt").read_bytes() == b"two"


def test_plain_files_come_out_of_a_zip(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("a/b.txt", "one")
    unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert (into / "a/b.txt").read_text() == "one"


def test_only_what_is_wanted_is_written_under_the_name_it_gets(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.tar"
    archive.write_bytes(tar_of({"x/model.onnx": b"one", "x/other.onnx": b"two"}))
    unpacking.unpack(archive, into, keeps={"model.onnx": "segmentation.onnx"}, limit_bytes=LIMIT)
    assert everything_below(into) == {"segmentation.onnx"}


def test_it_tells_how_much_is_written(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.tar"
    archive.write_bytes(tar_of({"a": b"12345", "b": b"123"}))
    told: list[int] = []
    unpacking.unpack(archive, into, limit_bytes=LIMIT, tell=told.append)
    assert told == [5, 8]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "a/..", "/evil", "//evil", "..", "a\\..\\..\\evil", "C:\\evil", "C:/evil"]
)
def test_a_name_that_points_outside_stops_everything(name: str, tmp_path: Path, into: Path) -> None:
    archive = tar_with(tmp_path / "model.tar", a_member(name), b"evil")
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert everything_below(tmp_path) == {"model.tar", "deep", "deep/inside"}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_a_name_in_a_zip_that_points_outside_stops_everything(name: str, tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(name, "evil")
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert everything_below(tmp_path) == {"model.zip", "deep", "deep/inside"}


def test_an_unwanted_entry_that_points_outside_stops_everything_too(tmp_path: Path, into: Path) -> None:
    archive = tar_with(tmp_path / "model.tar", a_member("../evil"), b"evil")
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, keeps={"tokens.txt": "tokens.txt"}, limit_bytes=LIMIT)


STRANGE: dict[str, Callable[[], tarfile.TarInfo]] = {
    "a symbolic link out": lambda: a_member("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a symbolic link inside": lambda: a_member("a", type=tarfile.SYMTYPE, linkname="b"),
    "a hard link out": lambda: a_member("a", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a character device": lambda: a_member("a", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "a block device": lambda: a_member("a", type=tarfile.BLKTYPE, devmajor=8, devminor=0),
    "a pipe": lambda: a_member("a", type=tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("what", STRANGE)
def test_whatever_is_no_plain_file_stops_everything(what: str, tmp_path: Path, into: Path) -> None:
    archive = tar_with(tmp_path / "model.tar", STRANGE[what]())
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert everything_below(into) == set()


def test_a_link_followed_by_a_file_below_it_writes_nowhere(tmp_path: Path, into: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = tmp_path / "model.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(a_member("a", type=tarfile.SYMTYPE, linkname=str(outside)))
        tar.addfile(a_member("a/evil", size=4), io.BytesIO(b"evil"))
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert os.listdir(outside) == []


def test_a_link_in_a_zip_stops_everything(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        info = zipfile.ZipInfo("a")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(info, "/etc/passwd")
    with pytest.raises(ModelArchiveUnsafe):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)


@pytest.mark.parametrize("name", ["bomb.tar", "bomb.zip"])
def test_a_bomb_is_left_at_the_limit(name: str, tmp_path: Path, into: Path) -> None:
    archive = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("a", bytes(50 * LIMIT))
    else:
        archive.write_bytes(tar_of({"a": bytes(50 * LIMIT)}))
    assert archive.stat().st_size < LIMIT
    with pytest.raises(ModelTooLarge):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)
    assert sum(path.stat().st_size for path in into.iterdir()) <= LIMIT


def test_too_many_entries_are_left(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.tar"
    with tarfile.open(archive, "w") as tar:
        for number in range(unpacking.MOST_ENTRIES + 1):
            tar.addfile(a_member(f"folder{number}", type=tarfile.DIRTYPE))
    with pytest.raises(ModelArchiveUnsafe, match="10000"):
        unpacking.unpack(archive, into, limit_bytes=LIMIT)


def test_two_files_of_one_name_are_refused(tmp_path: Path, into: Path) -> None:
    archive = tmp_path / "model.tar"
    archive.write_bytes(tar_of({"a/tokens.txt": b"one", "b/tokens.txt": b"two"}))
    with pytest.raises(ModelArchiveUnsafe, match=r"two files named tokens\.txt"):
        unpacking.unpack(archive, into, keeps={"tokens.txt": "tokens.txt"}, limit_bytes=LIMIT)


@pytest.mark.parametrize("name", ["a.tar.bz2", "a.tar.gz", "a.tar.xz", "a.tar", "a.zip"])
def test_what_is_no_archive_is_said(name: str, tmp_path: Path, into: Path) -> None:
    (tmp_path / name).write_bytes(b"<html>Not here</html>" * 100)
    with pytest.raises(ModelArchiveDamaged):
        unpacking.unpack(tmp_path / name, into, limit_bytes=LIMIT)


@pytest.mark.parametrize("kind", ["bz2", "gz", "xz"])
def test_an_archive_that_ends_too_early_is_said(kind: Packed, tmp_path: Path, into: Path) -> None:
    whole = tar_of({"a": os.urandom(100_000), "b": os.urandom(100_000)}, kind=kind)
    (tmp_path / "a.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelArchiveDamaged):
        unpacking.unpack(tmp_path / "a.tar", into, limit_bytes=LIMIT)


def test_the_stem_of_an_archive_is_its_name_without_its_kind() -> None:
    assert unpacking.stem(Path("/x/sherpa-onnx-whisper-tiny.en.tar.bz2")) == "sherpa-onnx-whisper-tiny.en"
    assert unpacking.stem(Path("parakeet.zip")) == "parakeet"
