"""Tests of the models folder: what is recognised in it, checked, put in and taken out."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.model_source import FILES, FOLDER, tiny_model

from aftercall.errors import ModelNotInside, ModelsFolderFull, ModelsFolderUnwritable, ModelUnknown, ModelWrongBytes
from aftercall.speech import models, registry
from aftercall.speech.models import CheckedFile
from aftercall.speech.registry import Model, ModelFile

TINY = tiny_model("https://models.example.com")
PARAKEET = ("encoder.int8.onnx", "decoder.int8.onnx", "joiner.int8.onnx", "tokens.txt")
WHISPER = ("small-encoder.int8.onnx", "small-decoder.int8.onnx", "small-tokens.txt")


def a_folder(path: Path, names: Iterable[str], size_bytes: int = 3) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_bytes(bytes(size_bytes))
    return path


def the_tiny_model(path: Path) -> Path:
    path.mkdir(parents=True)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    return path


def outcomes(checked: tuple[CheckedFile, ...]) -> dict[str, str]:
    return {each.name: each.outcome for each in checked}


# ---- what is there ----------------------------------------------------------------------------------------------


def test_without_a_folder_there_are_no_models(tmp_path: Path) -> None:
    assert models.installed(None) == []
    assert models.installed(tmp_path / "missing") == []
    (tmp_path / "file").touch()
    assert models.installed(tmp_path / "file") == []


def test_a_model_of_our_list_is_recognised_by_its_name_and_files(tmp_path: Path) -> None:
    a_folder(tmp_path / "parakeet-tdt-0.6b-v3-int8", PARAKEET)
    (found,) = models.installed(tmp_path)
    assert (found.engine, found.task, found.size_bytes) == ("parakeet", "speech", 12)
    assert found.model is registry.by_name("parakeet-tdt-0.6b-v3-int8")
    assert "de" in found.languages


def test_the_name_of_the_published_archive_will_do(tmp_path: Path) -> None:
    a_folder(tmp_path / "sherpa-onnx-whisper-small", WHISPER)
    (found,) = models.installed(tmp_path)
    assert found.name == "sherpa-onnx-whisper-small"
    assert found.model is not None
    assert found.model.name == "whisper-small"


@pytest.mark.parametrize(("names", "engine"), [(PARAKEET, "parakeet"), (WHISPER, "whisper")])
def test_a_model_that_is_not_in_our_list_is_recognised_by_its_files(
    names: tuple[str, ...], engine: str, tmp_path: Path
) -> None:
    a_folder(tmp_path / "of-our-own", names)
    (found,) = models.installed(tmp_path)
    assert (found.name, found.engine, found.model) == ("of-our-own", engine, None)


@pytest.mark.parametrize("missing", PARAKEET)
def test_half_a_model_is_none(missing: str, tmp_path: Path) -> None:
    a_folder(tmp_path / "parakeet-tdt-0.6b-v3-int8", [name for name in PARAKEET if name not in {missing, "x"}])
    assert [each.engine for each in models.installed(tmp_path)] == (["whisper"] if missing.startswith("joiner") else [])


def test_folders_that_are_being_filled_or_emptied_are_none(tmp_path: Path) -> None:
    a_folder(tmp_path / f"{models.FETCHING}parakeet", PARAKEET)
    a_folder(tmp_path / f"{models.REMOVING}parakeet", PARAKEET)
    assert models.installed(tmp_path) == []


def test_files_beside_the_folders_are_left_alone(tmp_path: Path) -> None:
    for name in PARAKEET:
        (tmp_path / name).touch()
    assert models.installed(tmp_path) == []


def test_a_link_to_a_model_elsewhere_is_followed(tmp_path: Path) -> None:
    elsewhere = a_folder(tmp_path / "elsewhere" / "x", PARAKEET)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").symlink_to(elsewhere)
    assert [each.name for each in models.installed(tmp_path / "models")] == ["mine"]


def test_a_model_is_found_by_its_folder_or_by_our_name_for_it(tmp_path: Path) -> None:
    the_tiny_model(tmp_path / FOLDER)
    assert models.find(tmp_path, FOLDER, (TINY,)).path == models.find(tmp_path, "tiny-whisper", (TINY,)).path
    with pytest.raises(ModelUnknown, match=FOLDER):
        models.find(tmp_path, "parrot", (TINY,))


# ---- whether it is what it should be ----------------------------------------------------------------------------


def test_the_published_files_verify_and_progress_is_told(tmp_path: Path) -> None:
    the_tiny_model(tmp_path / "tiny-whisper")
    told: list[tuple[int, int]] = []
    checked = models.verify(models.find(tmp_path, "tiny-whisper", (TINY,)), tell=lambda *now: told.append(now))
    assert set(outcomes(checked).values()) == {"ok"}
    total = sum(map(len, FILES.values()))
    assert told[-1] == (total, total)
    assert told == sorted(told)


def test_one_changed_byte_is_found(tmp_path: Path) -> None:
    file = the_tiny_model(tmp_path / "tiny-whisper") / "tiny-decoder.int8.onnx"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    checked = models.verify(models.find(tmp_path, "tiny-whisper", (TINY,)))
    assert outcomes(checked)["tiny-decoder.int8.onnx"] == "wrong"
    assert [each.outcome for each in checked].count("ok") == 2


def test_another_size_is_said_as_such(tmp_path: Path) -> None:
    file = the_tiny_model(tmp_path / "tiny-whisper") / "tiny-tokens.txt"
    file.write_text("a 0\n")
    wrong = next(
        each for each in models.verify(models.find(tmp_path, "tiny-whisper", (TINY,))) if each.outcome == "wrong"
    )
    assert wrong.expected == f"{len(FILES['tiny-tokens.txt'])} bytes"


def test_a_model_without_published_sums_is_compared_with_the_day_it_came(tmp_path: Path) -> None:
    unsummed = replace(TINY, files=tuple(ModelFile(name=file.name, size_bytes=file.size_bytes) for file in TINY.files))
    put = models.put_in(the_tiny_model(tmp_path / ".staged"), tmp_path, "tiny-whisper", unsummed, origin="a test")
    found = models.find(tmp_path, "tiny-whisper", (unsummed,))
    assert set(outcomes(models.verify(found)).values()) == {"unchanged"}
    (put / "tiny-tokens.txt").write_bytes(b"A 0\nb 1\n")
    assert outcomes(models.verify(found))["tiny-tokens.txt"] == "wrong"


def test_without_any_sum_only_the_size_is_said_to_fit(tmp_path: Path) -> None:
    sized = replace(TINY, files=tuple(ModelFile(name=file.name, size_bytes=file.size_bytes) for file in TINY.files))
    the_tiny_model(tmp_path / "tiny-whisper")
    assert set(outcomes(models.verify(models.find(tmp_path, "tiny-whisper", (sized,)))).values()) == {"size"}


def test_a_model_nobody_knows_anything_of_is_unknown(tmp_path: Path) -> None:
    the_tiny_model(tmp_path / "mine")
    assert set(outcomes(models.verify(models.find(tmp_path, "mine", ()))).values()) == {"unknown"}


# ---- how it comes and goes --------------------------------------------------------------------------------------


def test_a_model_that_lacks_a_file_does_not_appear(tmp_path: Path) -> None:
    staged = the_tiny_model(tmp_path / ".staged")
    (staged / "tiny-tokens.txt").unlink()
    with pytest.raises(ModelNotInside, match=r"tiny-tokens\.txt"):
        models.put_in(staged, tmp_path, "tiny-whisper", TINY, origin="a test")
    assert not (tmp_path / "tiny-whisper").exists()


def test_a_model_with_a_wrong_file_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    old = the_tiny_model(tmp_path / "tiny-whisper")
    staged = the_tiny_model(tmp_path / ".staged")
    (staged / "tiny-tokens.txt").write_bytes(b"x 0\nb 1\n")
    with pytest.raises(ModelWrongBytes):
        models.put_in(staged, tmp_path, "tiny-whisper", TINY, origin="a test")
    assert (old / "tiny-tokens.txt").read_bytes() == FILES["tiny-tokens.txt"]


def test_a_removed_model_is_gone(tmp_path: Path) -> None:
    the_tiny_model(tmp_path / FOLDER)
    models.remove(tmp_path, "tiny-whisper", (TINY,))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["..", ".", "", "../models", "tiny-whisper/.."])
def test_nothing_but_a_model_can_be_removed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    the_tiny_model(folder / "tiny-whisper")
    with pytest.raises(ModelUnknown):
        models.remove(folder, name, (TINY,))
    assert (folder / "tiny-whisper").is_dir()


def test_removing_forgets_an_unfinished_download(tmp_path: Path) -> None:
    part = tmp_path / f"{models.FETCHING}tiny-whisper" / "0.part"
    part.parent.mkdir()
    part.write_bytes(bytes(10))
    assert models.leftover_bytes(tmp_path, "tiny-whisper") == 10
    models.remove(tmp_path, "tiny-whisper", (TINY,))
    assert models.leftover_bytes(tmp_path, "tiny-whisper") is None


def test_too_little_room_is_said_with_how_much_is_needed(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(ModelsFolderFull) as caught, models.writing_to(tmp_path, "x", needed_bytes=free + 10**12):
        pytest.fail("there cannot be room")
    assert caught.value.facts["needed_mb"] > 10**6


def test_a_disk_that_fills_up_on_the_way_is_said(tmp_path: Path) -> None:
    # Writing to it fails as writing to a full disk does.
    with pytest.raises(ModelsFolderFull), models.writing_to(tmp_path, "x"), Path("/dev/full").open("wb", 0) as full:
        full.write(b"x")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelsFolderUnwritable), models.writing_to(tmp_path / "file" / "models", "x"):
        pytest.fail("there is a file in the way")


# ---- the list ---------------------------------------------------------------------------------------------------


def of_list(model: Model) -> str:
    return model.name


@pytest.mark.parametrize("model", registry.MODELS, ids=of_list)
def test_each_model_of_the_list_can_be_fetched_checked_and_named(model: Model) -> None:
    kept = [here for source in model.sources for _, here in source.keeps]
    assert sorted(kept) == sorted(file.name for file in model.files)
    assert all(source.url.startswith("https://") for source in model.sources)
    assert model.licence
    assert model.attribution
    sums = [file.sha256 for file in model.files] + [source.sha256 for source in model.sources]
    sizes = [file.size_bytes for file in model.files] + [source.size_bytes for source in model.sources]
    assert all(each is None or (len(each) == 64 and int(each, 16) >= 0) for each in sums)
    assert all(each is None or each > 0 for each in sizes)


def test_no_two_models_share_a_name() -> None:
    names = [name for model in registry.MODELS for name in (model.name, *model.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("model", [each for each in registry.MODELS if each.task == "speech"], ids=of_list)
def test_each_speech_model_is_what_its_files_say(model: Model) -> None:
    assert models.engine_of([file.name for file in model.files]) == (model.engine, "speech")
