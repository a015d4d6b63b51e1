"""This file is /api/v1/models: the models of our list and those at hand, fetched, imported, checked and removed."""

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.errors import FormInvalid, ModelUnknown
from aftercall.speech import catalogue, machine, models
from aftercall.store import model_settings, shapes
from aftercall.web import rendering
from aftercall.web.api.models import Problem, Shape
from aftercall.web.pages.models import receive
from aftercall.web.sessions import administrator

router = APIRouter(tags=["models"], dependencies=[Depends(administrator)])
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such model."}}


class ModelFailure(Shape):
    """Why a model did not come."""

    code: str
    what: str
    why: str
    fix: str


class ModelProgress(Shape):
    """How far a fetch or an import is."""

    #: The model's name; for an import the path it comes from.
    name: str
    kind: Literal["fetch", "import"]
    doing: Literal["starting", "fetching", "checking", "unpacking", "copying", "done", "failed", "cancelled"]
    done_bytes: int
    total_bytes: int | None
    bytes_per_s: int | None
    left_s: int | None
    #: Where it comes from, after all redirects.
    host: str
    #: Its folder, when it is done.
    put: str
    error: ModelFailure | None


class Model(Shape):
    """A model of our list, or one that lies in the models folder."""

    name: str
    title: str
    task: Literal["speech", "activity", "speaker", "vector"]
    engine: str
    #: `built in`: its file comes with an installed package. `part`: a fetch of it was cut off and can go on.
    state: Literal["installed", "built in", "coming", "part", "available"]
    languages: list[str]
    languages_in_words: str
    about: str
    licence: str | None
    #: To be shown wherever the model is used.
    attribution: str | None
    #: On the disk.
    size_bytes: int | None
    download_bytes: int | None
    sources: list[str]
    folder: str | None
    kept_bytes: int | None
    progress: ModelProgress | None


class CheckedModelFile(Shape):
    """What checking one file brought."""

    name: str
    #: `ok`: the published checksum. `size`: the published size, no checksum known. `unchanged`: as on the day it came.
    outcome: Literal["ok", "size", "unchanged", "unknown", "wrong", "missing"]
    size_bytes: int | None
    sha256: str | None
    expected: str | None


class CheckedModel(Shape):
    """What checking a model brought."""

    name: str
    is_good: bool
    files: list[CheckedModelFile]


class ImportEntry(BaseModel):
    """Where a model lies on the server."""

    path: Annotated[str, Field(description="A folder, an archive or a file; the whole path.")]
    name: Annotated[str, Field(max_length=80, description="What to call it; empty for our name for it.")] = ""


class MirrorEntry(BaseModel):
    """Where models are fetched from."""

    url: Annotated[
        str | None, Field(pattern=r"^https?://[^\s/]+(/\S*)?$", description="null for their publishers.")
    ] = None


class MeasuredSpeed(Shape):
    """How fast this machine multiplied matrices; operations per second, a product and a sum are two."""

    method: Literal["int8", "float32"]
    threads: int
    one_thread: float
    all_threads: float
    took_s: float
    measured_at: str


class MachineAdvice(Shape):
    """What Aftercall may use of this machine, and which speech model suits it."""

    cores: int
    memory_bytes: int
    free_memory_bytes: int
    free_disk_bytes: int
    has_vnni: bool
    measured: MeasuredSpeed | None
    recommended: str | None
    reason: str
    #: From and to, times real time; an estimate from what was measured.
    estimate: tuple[float, float] | None


@router.get("/models", response_model=list[Model])
def list_models(request: Request) -> list[dict[str, Any]]:
    """Every model: those of our list, then the others in the models folder."""
    return [catalogue.entry_as_json(each) for each in catalogue.entries(rendering.parts_of(request).downloads)]


@router.get("/models/imports", response_model=list[ModelProgress])
def list_imports(request: Request) -> list[dict[str, Any]]:
    """The imports under way, and how the last ones ended."""
    return [catalogue.progress_as_json(each) for each in catalogue.imports(rendering.parts_of(request).downloads)]


@router.post("/models/imports", status_code=202, response_model=ModelProgress)
def import_model(request: Request, entry: ImportEntry) -> dict[str, Any]:
    """Import a model that lies on the server."""
    if not Path(entry.path).is_absolute():
        raise FormInvalid(field="path", problem="must be a whole path on the server.")
    started = rendering.parts_of(request).downloads.start_import([Path(entry.path)], name=entry.name)
    return catalogue.progress_as_json(started.progress)


@router.post(
    "/models/uploads",
    status_code=202,
    response_model=ModelProgress,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def upload_model(request: Request, file: Annotated[str, Query(description="Its name.")]) -> dict[str, Any]:
    """Import an archive or a file that is sent as the body."""
    downloads = rendering.parts_of(request).downloads
    received = await receive(request, file, downloads.folder)
    return catalogue.progress_as_json(downloads.start_import([received], workshop=received.parent).progress)


@router.get("/models/mirror", response_model=MirrorEntry)
def show_mirror(request: Request) -> dict[str, Any]:
    """Where models are fetched from."""
    with rendering.parts_of(request).engine.connect() as db:
        return {"url": model_settings.mirror(db)}


@router.put("/models/mirror", response_model=MirrorEntry)
def set_mirror(request: Request, entry: MirrorEntry) -> dict[str, Any]:
    """Say where models are fetched from: its address takes the place of scheme and host of each source."""
    url = entry.url.rstrip("/") if entry.url else None
    with rendering.parts_of(request).engine.begin() as db:
        model_settings.set_mirror(db, url)
    return {"url": url}


@router.get("/models/{name}", response_model=Model, responses=MISSING)
def show_model(request: Request, name: str) -> dict[str, Any]:
    """One model."""
    downloads = rendering.parts_of(request).downloads
    found = catalogue.entry(downloads, name)
    if found is None:
        raise ModelUnknown(model=name, known=", ".join(each.name for each in catalogue.entries(downloads)))
    return catalogue.entry_as_json(found)


@router.post("/models/{name}/fetch", status_code=202, response_model=ModelProgress, responses=MISSING)
def fetch_model(request: Request, name: str) -> dict[str, Any]:
    """Fetch a model; while it is being fetched, the answer is that fetch."""
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        mirror = model_settings.mirror(db)
    return catalogue.progress_as_json(parts.downloads.start(name, mirror=mirror).progress)


@router.post("/models/{name}/cancel", response_model=Model, responses=MISSING)
def cancel_fetch(request: Request, name: str) -> dict[str, Any]:
    """End a fetch; what has come is kept, and the next fetch goes on from there."""
    rendering.parts_of(request).downloads.cancel(name)
    return show_model(request, name)


@router.post("/models/{name}/verify", response_model=CheckedModel, responses=MISSING)
def verify_model(request: Request, name: str) -> dict[str, Any]:
    """Read every file of a model and compare it with what was published."""
    downloads = rendering.parts_of(request).downloads
    found = models.find(downloads.folder, name, downloads.known)
    return catalogue.check_as_json(name, models.verify(found))


@router.delete("/models/{name}", status_code=204, responses=MISSING)
def remove_model(request: Request, name: str) -> None:
    """Delete a model, and what an unfinished fetch of it has left."""
    rendering.parts_of(request).downloads.remove(name)


@router.get("/machine", response_model=MachineAdvice)
def show_machine(request: Request) -> dict[str, Any]:
    """This machine, and which speech model suits it."""
    return _machine(request)


@router.post("/machine/measure", response_model=MachineAdvice)
def measure_machine(request: Request) -> dict[str, Any]:
    """Measure how fast this machine multiplies; the answer takes about five seconds."""
    parts = rendering.parts_of(request)
    probe = machine.measure(parts.settings.workers)
    with parts.engine.begin() as db:
        model_settings.set_probe(db, probe, parts.clock())
    return _machine(request)


def _machine(request: Request) -> dict[str, Any]:
    parts = rendering.parts_of(request)
    looked = machine.look(parts.downloads.folder)
    with parts.engine.connect() as db:
        stored = model_settings.probe(db)
    probe, at = stored or (None, None)
    here = [each.name for each in catalogue.entries(parts.downloads) if each.state == "installed"]
    advice = machine.advise(looked, probe, here)
    return {
        "cores": looked.cores,
        "memory_bytes": looked.memory_bytes,
        "free_memory_bytes": looked.free_memory_bytes,
        "free_disk_bytes": looked.free_disk_bytes,
        "has_vnni": looked.has_vnni,
        "measured": probe.as_json() | {"measured_at": shapes.moment(at)} if probe and at else None,
        "recommended": advice.model,
        "reason": advice.reason,
        "estimate": advice.estimate,
    }
