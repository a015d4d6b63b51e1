"""This file is Settings > Models: what is here, fetching and importing more, and what this machine can carry."""

import re
import shutil
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import FormInvalid, ModelTooLarge, ModelUnknown
from aftercall.speech import catalogue, importing, machine, models
from aftercall.speech.catalogue import Entry
from aftercall.speech.models import CheckedFile
from aftercall.store import model_settings
from aftercall.web import rendering
from aftercall.web.parts import Parts
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/models", dependencies=[Depends(administrator)])

#: The groups of the page, in order: the task, its heading, and what it is for.
GROUPS = (
    ("speech", "Speech", "They write down what was said. One is enough; each language needs one that knows it."),
    ("activity", "Voice activity", "Tells speech from ringing, music and noise."),
    ("speaker", "Voices", "Tell two people in one audio channel apart."),
    ("vector", "Meaning", "Compare what sentences mean."),
)
DOING_WORDS = {
    "starting": "Starting",
    "fetching": "Fetching",
    "checking": "Checking",
    "unpacking": "Unpacking",
    "copying": "Reading",
}


# ---- the page ---------------------------------------------------------------------------------------------------


@router.get("")
def show(request: Request) -> Response:
    """Everything: this machine, the models, the ways to bring one."""
    return _page(request)


def _page(request: Request, *, checked: tuple[str, tuple[CheckedFile, ...]] | None = None) -> Response:
    parts = rendering.parts_of(request)
    found = catalogue.entries(parts.downloads)
    return rendering.page(
        request,
        "settings/models.html",
        groups=[(*group, [each for each in found if each.task == group[0]]) for group in GROUPS],
        imports=catalogue.imports(parts.downloads),
        missing=catalogue.missing_weights(found),
        checked=checked,
        folder=parts.downloads.folder,
        mirror=_mirror(parts),
        doing_words=DOING_WORDS,
        outcome_words=catalogue.OUTCOME_WORDS,
        is_good=catalogue.is_good,
        **_of_machine(parts, found),
    )


def _of_machine(parts: Parts, found: list[Entry]) -> dict[str, Any]:
    looked = machine.look(parts.downloads.folder)
    with parts.engine.connect() as db:
        measured = model_settings.probe(db)
    probe, at = measured or (None, None)
    here = [each.name for each in found if each.state == "installed"]
    return {
        "machine": looked,
        "probe": probe,
        "measured_at": at,
        "advice": machine.advise(looked, probe, here),
        "threads": parts.settings.workers,
    }


def _mirror(parts: Parts) -> str | None:
    with parts.engine.connect() as db:
        return model_settings.mirror(db)


# ---- one model --------------------------------------------------------------------------------------------------


def _entry(request: Request, name: str) -> Entry:
    downloads = rendering.parts_of(request).downloads
    found = catalogue.entry(downloads, name)
    if found is None:
        raise ModelUnknown(model=name, known=", ".join(each.name for each in catalogue.entries(downloads)))
    return found


def _card(request: Request, name: str, checked: tuple[CheckedFile, ...] | None = None) -> Response:
    """The card as it is now; a browser without our code gets the page."""
    if "hx-request" not in request.headers:
        return _page(request, checked=(name, checked)) if checked else _back()
    downloads = rendering.parts_of(request).downloads
    each = catalogue.entry(downloads, name)
    if each is None:  # one that our list does not know was removed
        return Response("")
    found = catalogue.entries(downloads)
    return rendering.page(
        request,
        "settings/model_card.html",
        each=each,
        checked=(name, checked) if checked else None,
        doing_words=DOING_WORDS,
        outcome_words=catalogue.OUTCOME_WORDS,
        is_good=catalogue.is_good,
        **_of_machine(rendering.parts_of(request), found),
    )


def _back() -> Response:
    return RedirectResponse("/settings/models", status_code=303)


@router.get("/of/{name}")
def show_one(request: Request, name: str) -> Response:
    """One card, as it moves."""
    _entry(request, name)
    return _card(request, name)


@router.post("/of/{name}/fetch")
def fetch(request: Request, name: str) -> Response:
    """Fetch a model, or go on with its fetch."""
    parts = rendering.parts_of(request)
    parts.downloads.start(name, mirror=_mirror(parts))
    return _card(request, name)


@router.post("/of/{name}/cancel")
def cancel(request: Request, name: str) -> Response:
    """End a fetch; what has come is kept."""
    _entry(request, name)
    rendering.parts_of(request).downloads.cancel(name)
    return _card(request, name)


@router.post("/of/{name}/verify")
def verify(request: Request, name: str) -> Response:
    """Read every file and compare it with what was published."""
    downloads = rendering.parts_of(request).downloads
    found = models.find(downloads.folder, name, downloads.known)
    return _card(request, name, models.verify(found))


@router.post("/of/{name}/remove")
def remove(request: Request, name: str) -> Response:
    """Delete a model, or what an unfinished fetch of it left."""
    rendering.parts_of(request).downloads.remove(name)
    return _card(request, name)


# ---- imports ----------------------------------------------------------------------------------------------------


@router.get("/imports")
def show_imports(request: Request) -> Response:
    """The imports, as they move."""
    return _imports(request)


def _imports(request: Request) -> Response:
    if "hx-request" not in request.headers:
        return _back()
    downloads = rendering.parts_of(request).downloads
    return rendering.page(
        request, "settings/model_imports.html", imports=catalogue.imports(downloads), doing_words=DOING_WORDS
    )


@router.post("/import")
def import_path(request: Request, path: Annotated[str, Form()] = "", name: Annotated[str, Form()] = "") -> Response:
    """Import from a path of the server."""
    wanted = path.strip()
    if not Path(wanted).is_absolute():
        raise FormInvalid(field="Path", problem="must be a whole path on the server, such as /mnt/usb/parakeet.")
    rendering.parts_of(request).downloads.start_import([Path(wanted)], name=name.strip())
    return _imports(request)


@router.post("/upload")
async def upload(request: Request, file: Annotated[str, Query()] = "") -> Response:
    """Import an archive or a file that the browser sends as the body."""
    downloads = rendering.parts_of(request).downloads
    started = await receive(request, file, downloads.folder)
    downloads.start_import([started], workshop=started.parent)
    return await anyio.to_thread.run_sync(_imports, request)


async def receive(request: Request, name: str, folder: Path) -> Path:
    """Write the body of a request to a file in the models folder's workshop, block by block.

    Raises:
        ModelTooLarge: it is larger than any model.
        ModelsFolderFull, ModelsFolderUnwritable: the models folder does not take it.
    """
    safe = re.sub(r"[^\w.+-]+", "-", Path(name).name).lstrip(".-")[-120:] or "model"
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isascii() and announced.isdigit() else 0
    _require_within(size, safe)
    workshop = importing.new_workshop(folder)
    received = 0
    try:
        with models.writing_to(folder, safe, needed_bytes=2 * size):
            workshop.mkdir()
            with (workshop / safe).open("xb") as out:
                async for block in request.stream():
                    received += len(block)
                    _require_within(received, safe)
                    await anyio.to_thread.run_sync(out.write, block)
    except BaseException:
        shutil.rmtree(workshop, ignore_errors=True)
        raise
    return workshop / safe


def _require_within(size_bytes: int, name: str) -> None:
    if size_bytes > importing.LIMIT_BYTES:
        raise ModelTooLarge(file=name, limit_bytes=importing.LIMIT_BYTES)


@router.post("/imports/cancel")
def cancel_import(request: Request, source: Annotated[str, Form()]) -> Response:
    """End an import, or no longer show how one ended."""
    downloads = rendering.parts_of(request).downloads
    downloads.cancel(source)
    downloads.forget(source)
    return _imports(request)


# ---- settings ---------------------------------------------------------------------------------------------------


@router.post("/mirror")
def set_mirror(request: Request, mirror: Annotated[str, Form()] = "") -> Response:
    """Say where models are fetched from; empty for their publishers."""
    wanted = mirror.strip().rstrip("/")
    if wanted and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", wanted):
        raise FormInvalid(field="Mirror", problem="must be an address that starts with https:// or http://.")
    with rendering.parts_of(request).engine.begin() as db:
        model_settings.set_mirror(db, wanted or None)
    return _back()


@router.post("/measure")
def measure(request: Request) -> Response:
    """Measure how fast this machine multiplies; it takes some seconds."""
    parts = rendering.parts_of(request)
    probe = machine.measure(parts.settings.workers)
    with parts.engine.begin() as db:
        model_settings.set_probe(db, probe, parts.clock())
    if "hx-request" not in request.headers:
        return _back()
    return rendering.page(
        request, "settings/model_machine.html", **_of_machine(parts, catalogue.entries(parts.downloads))
    )
