"""Tests of imports: a folder, an archive or files that somebody brought."""

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.fixtures.model_source import ARCHIVE, FILES, FOLDER, noise, tar_of, tiny_model

from aftercall.errors import ModelArchiveUnsafe, ModelNotInside, ModelTooLarge, ModelWrongBytes
from aftercall.speech import models
from aftercall.speech.importing import import_from

TINY = (tiny_model("https://models.example.com"),)
#: A speech model that is in nobody's list.
OURS = {"encoder.onnx": b"e" * 100, "decoder.onnx": b"d" * 50, "joiner.onnx": b"j" * 20, "tokens.txt": b"a 0\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def written(path: Path, files: Mapping[str, bytes]) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def files_in(put: Path) -> Iterable[str]:
    return [name for name in names_in(put) if name != models.RECORD]


def test_a_folder_is_copied_under_our_name_for_it_and_stays(tmp_path: Path, folder: Path) -> None:
    brought = written(tmp_path / "usb" / "whatever", {**FILES, "readme.txt": b"hello"})
    put = import_from([brought], folder, known=TINY)
    assert put.name == "tiny-whisper"
    assert files_in(put) == sorted(FILES)
    assert names_in(brought) == sorted([*FILES, "readme.txt"])
    assert {each.outcome for each in models.verify(models.find(folder, "tiny-whisper", TINY))} == {"ok"}


def test_a_published_archive_is_unpacked(tmp_path: Path, folder: Path) -> None:
    (tmp_path / f"{FOLDER}.tar.bz2").write_bytes(ARCHIVE)
    put = import_from([tmp_path / f"{FOLDER}.tar.bz2"], folder, known=TINY)
    assert (put.name, files_in(put)) == ("tiny-whisper", sorted(FILES))
    assert names_in(folder) == ["tiny-whisper"]


def test_an_archive_of_another_name_is_recognised_by_its_files(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "backup.tar").write_bytes(tar_of({f"a/b/{name}": content for name, content in FILES.items()}, kind=""))
    put = import_from([tmp_path / "backup.tar"], folder, known=TINY)
    assert (put.name, files_in(put)) == ("tiny-whisper", sorted(FILES))


def test_a_zip_will_do(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as bundle:
        for name, content in FILES.items():
            bundle.writestr(name, content)
    assert import_from([tmp_path / "model.zip"], folder, known=TINY).name == "tiny-whisper"


def test_single_files_make_a_model(tmp_path: Path, folder: Path) -> None:
    brought = written(tmp_path / "usb", FILES)
    put = import_from([brought / name for name in FILES], folder, known=TINY)
    assert (put.name, files_in(put)) == ("tiny-whisper", sorted(FILES))
    assert not any((put / name).is_symlink() for name in FILES)


def test_a_model_of_nobodys_list_keeps_its_folders_name(tmp_path: Path, folder: Path) -> None:
    put = import_from([written(tmp_path / "our own Model", OURS)], folder, known=TINY)
    assert put.name == "our-own-Model"
    (found,) = models.installed(folder, TINY)
    assert (found.engine, found.model) == ("parakeet", None)


def test_it_may_be_given_a_name(tmp_path: Path, folder: Path) -> None:
    assert import_from([written(tmp_path / "x", OURS)], folder, name="support-line", known=TINY).name == "support-line"


def test_another_model_of_the_same_name_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    brought = written(tmp_path / "x", OURS)
    assert [import_from([brought], folder, known=TINY).name for _ in range(2)] == ["x", "x-2"]


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, folder: Path) -> None:
    put = import_from([written(tmp_path / "x", OURS)], folder, name="../../evil", known=TINY)
    assert put.parent == folder


def test_a_truncated_copy_of_a_known_model_is_refused(tmp_path: Path, folder: Path) -> None:
    brought = written(tmp_path / "tiny-whisper", {**FILES, "tiny-encoder.int8.onnx": noise(299_000, 1)})
    with pytest.raises(ModelWrongBytes, match="300000"):
        import_from([brought], folder, known=TINY)
    assert names_in(folder) == []


def test_a_missing_file_is_named(tmp_path: Path, folder: Path) -> None:
    brought = written(tmp_path / "tiny-whisper", {name: FILES[name] for name in list(FILES)[:2]})
    with pytest.raises(ModelNotInside, match=r"lacks tiny-tokens\.txt"):
        import_from([brought], folder, known=TINY)


def test_several_models_are_to_be_imported_one_by_one(tmp_path: Path, folder: Path) -> None:
    for name in ("one", "two"):
        written(tmp_path / "usb" / name, OURS)
    with pytest.raises(ModelNotInside, match="one, two"):
        import_from([tmp_path / "usb"], folder, known=TINY)


@pytest.mark.parametrize("files", [{}, {"holiday.jpg": b"x"}])
def test_a_folder_without_a_model_is_said(files: dict[str, bytes], tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelNotInside):
        import_from([written(tmp_path / "usb", files)], folder, known=TINY)
    assert names_in(folder) == []


def test_a_path_that_is_not_there_is_said(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelNotInside, match="does not exist"):
        import_from([tmp_path / "usb"], folder, known=TINY)


def test_an_unsafe_archive_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "evil.tar").write_bytes(tar_of({**FILES, "../evil": b"x"}, kind=""))
    with pytest.raises(ModelArchiveUnsafe):
        import_from([tmp_path / "evil.tar"], folder, known=TINY)
    assert names_in(folder) == []
    assert names_in(tmp_path) == ["evil.tar", "models"]


def test_more_than_the_limit_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelTooLarge):
        import_from([written(tmp_path / "x", OURS)], folder, known=TINY, limit_bytes=100)
    assert names_in(folder) == []


def test_how_much_is_copied_is_told(tmp_path: Path, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    import_from([written(tmp_path / "x", OURS)], folder, known=TINY, tell=lambda *now: told.append(now))
    assert told[-1] == (174, 174)
