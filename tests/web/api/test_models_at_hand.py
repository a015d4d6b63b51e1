"""/api/v1/models and /api/v1/machine."""

import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.fixtures.model_source import ARCHIVE, FILES, QUICK, ModelSource, tiny_model
from tests.fixtures.web import Web

from aftercall.speech import machine
from aftercall.speech.downloads import Downloads
from aftercall.speech.machine import Probe
from aftercall.web.app import create_app
from aftercall.web.parts import Parts

PATIENCE_S = 60.0


@pytest.fixture
def owner(web: Web, model_source: ModelSource) -> TestClient:
    made = Downloads(web.house.downloads.folder, known=(tiny_model(model_source.address),), patience=QUICK)
    web.parts = Parts(**{name: getattr(web.parts, name) for name in Parts.__dataclass_fields__} | {"downloads": made})
    web.app = create_app(web.parts)
    return web.owner()


def ended(owner: TestClient, address: str) -> dict[str, object]:
    """The progress at an address, when it is over."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        said = owner.get(address).json()
        progress: dict[str, object] = said[0] if isinstance(said, list) else said["progress"]
        if progress["doing"] in {"done", "failed", "cancelled"}:
            return progress
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_models_are_listed_with_their_attribution(owner: TestClient) -> None:
    (said,) = owner.get("/api/v1/models").json()
    assert (said["name"], said["state"], said["licence"]) == ("tiny-whisper", "available", "MIT")
    assert (said["attribution"], said["download_bytes"]) == ("Made for tests", len(ARCHIVE))


def test_a_model_is_fetched_verified_and_removed(owner: TestClient) -> None:
    answer = owner.post("/api/v1/models/tiny-whisper/fetch")
    assert (answer.status_code, answer.json()["kind"]) == (202, "fetch")
    assert ended(owner, "/api/v1/models/tiny-whisper")["put"] == "tiny-whisper"
    assert owner.get("/api/v1/models/tiny-whisper").json()["state"] == "installed"
    checked = owner.post("/api/v1/models/tiny-whisper/verify").json()
    assert checked["is_good"]
    assert {each["name"]: each["outcome"] for each in checked["files"]} == dict.fromkeys(FILES, "ok")
    assert owner.delete("/api/v1/models/tiny-whisper").status_code == 204
    assert owner.get("/api/v1/models/tiny-whisper").json()["state"] == "available"


def test_a_fetch_that_fails_carries_its_error(owner: TestClient, model_source: ModelSource) -> None:
    model_source.behaviours.clear()
    owner.post("/api/v1/models/tiny-whisper/fetch")
    error = ended(owner, "/api/v1/models/tiny-whisper")["error"]
    assert isinstance(error, dict)
    assert error["code"] == "model-source-refused"
    assert error["fix"]


def test_a_model_of_the_server_is_imported(owner: TestClient, tmp_path: Path) -> None:
    (tmp_path / "model.tar.bz2").write_bytes(ARCHIVE)
    assert owner.post("/api/v1/models/imports", json={"path": "model.tar.bz2"}).status_code == 422
    answer = owner.post("/api/v1/models/imports", json={"path": str(tmp_path / "model.tar.bz2")})
    assert answer.status_code == 202
    assert ended(owner, "/api/v1/models/imports")["put"] == "tiny-whisper"


def test_a_model_that_is_sent_is_imported(owner: TestClient) -> None:
    assert owner.post("/api/v1/models/uploads?file=model.tar.bz2", content=ARCHIVE).status_code == 202
    assert ended(owner, "/api/v1/models/imports")["put"] == "tiny-whisper"


def test_the_mirror_is_read_and_set(owner: TestClient) -> None:
    assert owner.get("/api/v1/models/mirror").json() == {"url": None}
    assert owner.put("/api/v1/models/mirror", json={"url": "https://m.example/x/"}).json() == {
        "url": "https://m.example/x"
    }
    assert owner.put("/api/v1/models/mirror", json={"url": "m.example"}).status_code == 422
    assert owner.get("/api/v1/models/mirror").json() == {"url": "https://m.example/x"}


def test_the_machine_tells_what_it_carries(owner: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    said = owner.get("/api/v1/machine").json()
    assert said["cores"] >= 1
    assert said["memory_bytes"] > 0
    assert said["measured"] is None
    probe = Probe(method="int8", threads=2, one_thread=144e9, all_threads=288e9, took_s=5.0)
    monkeypatch.setattr(machine, "measure", lambda _: probe)
    assert owner.post("/api/v1/machine/measure").json()["measured"]["all_threads"] == 288e9


@pytest.mark.parametrize("way", ["fetch", "cancel", "verify"])
def test_an_unknown_model_is_not_found(way: str, owner: TestClient) -> None:
    answer = owner.post(f"/api/v1/models/parrot/{way}")
    assert (answer.status_code, answer.json()["code"]) == (404, "model-unknown")


def test_only_the_owner_may(web: Web) -> None:
    assert web.owner("supervisor").get("/api/v1/models").status_code == 403
    assert web.visitor().get("/api/v1/models").status_code == 401
