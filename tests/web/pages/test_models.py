"""Settings > Models."""

import importlib.util
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.fixtures.model_source import ARCHIVE, ARCHIVE_PATH, FILES, QUICK, Behaviour, ModelSource, tiny_model
from tests.fixtures.web import Web

from aftercall.speech import machine
from aftercall.speech.downloads import Downloads
from aftercall.speech.machine import Machine, Probe
from aftercall.store import model_settings
from aftercall.web.app import create_app
from aftercall.web.parts import Parts

HX = {"hx-request": "true"}
PATIENCE_S = 60.0


@pytest.fixture
def shop(web: Web, model_source: ModelSource) -> Downloads:
    """The application knows the tiny model and nothing else, and fetches it from our server."""
    made = Downloads(web.house.downloads.folder, known=(tiny_model(model_source.address),), patience=QUICK)
    fields = {name: getattr(web.parts, name) for name in Parts.__dataclass_fields__} | {"downloads": made}
    web.parts = Parts(**fields)
    web.app = create_app(web.parts)
    return made


@pytest.fixture
def owner(web: Web, shop: Downloads) -> TestClient:
    return web.owner()


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fetched(shop: Downloads) -> None:
    assert shop.start("tiny-whisper").wait(PATIENCE_S)


def a_model(path: Path) -> Path:
    path.mkdir(parents=True)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    return path


# ---- what it shows ----------------------------------------------------------------------------------------------


def test_a_model_is_shown_with_what_one_must_know_of_it(owner: TestClient) -> None:
    shown = owner.get("/settings/models").text
    for words in ("Tiny Whisper", "500 kB", "553 kB to fetch", "MIT", "Made for tests", "For tests."):
        assert words in shown


def test_the_real_list_is_shown_with_licences_and_attributions(web: Web) -> None:
    shown = web.owner().get("/settings/models").text
    assert "Parakeet TDT 0.6B v3 by NVIDIA, licensed under CC BY 4.0" in shown
    assert "487 MB to fetch" in shown


def test_a_model_that_is_not_in_our_list_is_said_to_be_unverified(owner: TestClient, shop: Downloads) -> None:
    a_model(shop.folder / "our own")
    shown = owner.get("/settings/models").text
    assert "not in our list, unverified" in shown
    assert "/settings/models/of/our%20own/remove" in shown


def test_the_small_models_are_missed_only_where_they_are_nowhere(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in {"silero_vad", "resemblyzer"} else real(name, package)

    monkeypatch.setattr("aftercall.speech.models.find_spec", without)
    shown = web.owner().get("/settings/models").text
    assert "aftercall[weights]" in shown
    assert "Tells speech from everything else. Without it Aftercall goes by loudness." in shown
    for name in ("silero-vad", "resemblyzer"):
        (web.house.downloads.folder / name).mkdir(parents=True)
    (web.house.downloads.folder / "silero-vad" / "silero_vad.onnx").touch()
    (web.house.downloads.folder / "resemblyzer" / "pretrained.pt").touch()
    assert "aftercall[weights]" not in web.owner().get("/settings/models").text


def test_only_the_owner_comes_here(web: Web) -> None:
    assert web.owner("supervisor").get("/settings/models").status_code == 403
    assert web.visitor().post("/settings/models/of/tiny-whisper/fetch", follow_redirects=False).status_code == 303


# ---- one model --------------------------------------------------------------------------------------------------


def test_a_fetch_is_followed_until_the_model_is_installed(
    owner: TestClient, shop: Downloads, model_source: ModelSource
) -> None:
    behaviour = Behaviour(waits_after=100_000)
    model_source.behaviours[ARCHIVE_PATH] = behaviour
    owner.post("/settings/models/of/tiny-whisper/fetch", headers=HX)
    download = shop.get("tiny-whisper")
    assert download
    until(lambda: download.progress.done_bytes > 0)
    shown = owner.get("/settings/models/of/tiny-whisper", headers=HX).text
    assert 'hx-trigger="every 1s"' in shown
    assert "of 553 kB" in shown
    assert "from 127.0.0.1" in shown
    behaviour.go_on.set()
    assert download.wait(PATIENCE_S)
    shown = owner.get("/settings/models/of/tiny-whisper", headers=HX).text
    assert "installed" in shown
    assert "hx-trigger" not in shown


def test_a_cancelled_fetch_can_go_on_or_be_discarded(
    owner: TestClient, shop: Downloads, model_source: ModelSource
) -> None:
    model_source.behaviours[ARCHIVE_PATH] = Behaviour(waits_after=100_000)
    owner.post("/settings/models/of/tiny-whisper/fetch", headers=HX)
    download = shop.get("tiny-whisper")
    assert download
    until(lambda: download.progress.done_bytes > 0)
    shown = owner.post("/settings/models/of/tiny-whisper/cancel", headers=HX).text
    assert "begun, 100 kB here" in shown
    assert "Go on" in shown
    shown = owner.post("/settings/models/of/tiny-whisper/remove", headers=HX).text
    assert "begun" not in shown


def test_a_failed_fetch_says_what_why_and_what_to_do(
    owner: TestClient, shop: Downloads, model_source: ModelSource
) -> None:
    model_source.behaviours[ARCHIVE_PATH] = Behaviour(status=404)
    fetched(shop)
    shown = owner.get("/settings/models").text
    assert "The model tiny-whisper is not handed out by" in shown
    assert "model-source-refused" in shown


def test_verifying_names_each_file(owner: TestClient, shop: Downloads) -> None:
    fetched(shop)
    shown = owner.post("/settings/models/of/tiny-whisper/verify", headers=HX).text
    assert shown.count("the published file, by its checksum") == 3
    (shop.folder / "tiny-whisper" / "tiny-tokens.txt").write_text("x 0\ny 1\n")
    shown = owner.post("/settings/models/of/tiny-whisper/verify", headers=HX).text
    assert "Something is wrong" in shown
    assert "not the file it should be" in shown


def test_without_our_code_in_the_browser_the_buttons_work_too(owner: TestClient, shop: Downloads) -> None:
    assert owner.post("/settings/models/of/tiny-whisper/fetch", follow_redirects=False).status_code == 303
    download = shop.get("tiny-whisper")
    assert download
    assert download.wait(PATIENCE_S)
    assert "Verified." in owner.post("/settings/models/of/tiny-whisper/verify").text


def test_a_model_of_nobodys_list_can_be_removed(owner: TestClient, shop: Downloads) -> None:
    a_model(shop.folder / "our own")
    assert owner.post("/settings/models/of/our%20own/remove", headers=HX).text == ""
    assert not (shop.folder / "our own").exists()


@pytest.mark.parametrize("way", ["fetch", "cancel", "verify", "remove"])
def test_an_unknown_model_is_not_found(way: str, owner: TestClient) -> None:
    assert owner.post(f"/settings/models/of/parrot/{way}", headers=HX).status_code == 404


# ---- imports ----------------------------------------------------------------------------------------------------


def test_a_folder_of_the_server_is_imported(owner: TestClient, shop: Downloads, tmp_path: Path) -> None:
    brought = a_model(tmp_path / "usb" / "stick")
    owner.post("/settings/models/import", data={"path": str(brought)}, headers=HX)
    download = shop.get(str(brought))
    assert download
    assert download.wait(PATIENCE_S)
    shown = owner.get("/settings/models/imports", headers=HX).text
    assert "tiny-whisper" in shown
    assert "imported" in shown
    assert (shop.folder / "tiny-whisper").is_dir()


def test_an_import_that_fails_says_why_and_can_be_dismissed(owner: TestClient, shop: Downloads, tmp_path: Path) -> None:
    owner.post("/settings/models/import", data={"path": str(tmp_path / "nothing")}, headers=HX)
    download = shop.get(str(tmp_path / "nothing"))
    assert download
    assert download.wait(PATIENCE_S)
    assert "does not exist on this machine" in owner.get("/settings/models/imports", headers=HX).text
    shown = owner.post("/settings/models/imports/cancel", data={"source": str(tmp_path / "nothing")}, headers=HX).text
    assert "does not exist" not in shown


def test_a_path_must_be_whole(owner: TestClient) -> None:
    answer = owner.post("/settings/models/import", data={"path": "models/parakeet"}, headers=HX)
    assert answer.status_code == 422
    assert "whole path" in answer.text


def test_a_file_that_is_sent_is_imported_and_not_kept(owner: TestClient, shop: Downloads, web: Web) -> None:
    owner.post("/settings/models/upload?file=../../tiny.tar.bz2", content=ARCHIVE, headers=HX)
    until(lambda: all(each.is_over for each in shop.all()))
    assert [each.put for each in shop.all()] == ["tiny-whisper"]
    assert sorted(path.name for path in shop.folder.iterdir()) == ["tiny-whisper"]


def test_a_file_that_is_announced_too_large_is_refused_at_once(owner: TestClient, shop: Downloads) -> None:
    answer = owner.post("/settings/models/upload?file=a.tar", content=b"", headers=HX | {"content-length": str(10**12)})
    assert answer.status_code == 413
    assert shop.all() == []


# ---- settings and machine ---------------------------------------------------------------------------------------


def test_a_mirror_is_kept_and_used(owner: TestClient, shop: Downloads, web: Web, model_source: ModelSource) -> None:
    model_source.publish(f"/copies{ARCHIVE_PATH}", ARCHIVE)
    owner.post("/settings/models/mirror", data={"mirror": f" {model_source.address}/copies/ "})
    assert f"{model_source.address}/copies" in owner.get("/settings/models").text
    owner.post("/settings/models/of/tiny-whisper/fetch", headers=HX)
    download = shop.get("tiny-whisper")
    assert download
    assert download.wait(PATIENCE_S)
    assert model_source.requests[-1][0] == f"/copies{ARCHIVE_PATH}"
    owner.post("/settings/models/mirror", data={"mirror": ""})
    with web.engine.connect() as db:
        assert model_settings.mirror(db) is None


@pytest.mark.parametrize("wrong", ["mirror.example.com", "ftp://x", "javascript:alert(1)", "http://"])
def test_a_mirror_must_be_an_address(wrong: str, owner: TestClient) -> None:
    assert owner.post("/settings/models/mirror", data={"mirror": wrong}).status_code == 422


def test_the_machine_is_measured_once_and_remembered(owner: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def measure(threads: int) -> Probe:
        asked.append(threads)
        return Probe(method="int8", threads=threads, one_thread=144e9, all_threads=288e9, took_s=5.0)

    monkeypatch.setattr(machine, "measure", measure)
    monkeypatch.setattr(machine, "look", lambda _: LOOKED)
    assert "not measured" in owner.get("/settings/models").text
    assert "estimated 6–12 × real time" in owner.post("/settings/models/measure", headers=HX).text
    assert "estimated 6–12 × real time" in owner.get("/settings/models").text
    assert len(asked) == 1


LOOKED = Machine(
    cores=4, memory_bytes=8_000_000_000, free_memory_bytes=5_000_000_000, free_disk_bytes=10**11, has_vnni=True
)
