"""This file puts together what can be said of every model: of our list, in the folder, and on its way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aftercall.errors import AppError
from aftercall.speech import models
from aftercall.speech.downloads import Downloads, Progress
from aftercall.speech.models import CheckedFile, Installed
from aftercall.speech.registry import Model, Task

#: The models whose files come with the `weights` extra, for features that are there already.
WEIGHTS = ("silero-vad", "resemblyzer", "all-minilm-l6-v2")

#: `installed`: in the models folder. `built in`: its file comes with an installed package. `coming`: being fetched.
#: `part`: an earlier fetch was cut off, the next goes on from there. `available`: can be fetched or imported.
State = Literal["installed", "built in", "coming", "part", "available"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model, and how it stands with it here."""

    #: The name in our list, or that of its folder.
    name: str
    engine: str
    task: Task
    #: None for one that is not in our list.
    model: Model | None
    #: None if the models folder has it not.
    found: Installed | None
    packaged: Path | None
    #: Of the newest attempt to fetch it.
    progress: Progress | None
    kept_bytes: int | None

    @property
    def title(self) -> str:
        return self.model.title if self.model else self.name

    @property
    def is_coming(self) -> bool:
        return self.progress is not None and not self.progress.is_over

    @property
    def state(self) -> State:
        if self.is_coming:
            return "coming"
        if self.found:
            return "installed"
        if self.packaged:
            return "built in"
        return "available" if self.kept_bytes is None else "part"

    @property
    def size_bytes(self) -> int | None:
        """On the disk; None if not known."""
        if self.found:
            return self.found.size_bytes
        return self.model.size_bytes if self.model else None


def entries(downloads: Downloads) -> list[Entry]:
    """Every model: those of our list in its order, then the others by name."""
    at_hand = models.installed(downloads.folder, downloads.known)
    listed = [_of_list(model, at_hand, downloads) for model in downloads.known]
    others = [
        Entry(
            name=each.name,
            engine=each.engine,
            task=each.task,
            model=None,
            found=each,
            packaged=None,
            progress=None,
            kept_bytes=None,
        )
        for each in at_hand
        if each.model is None
    ]
    return [*listed, *others]


def _of_list(model: Model, at_hand: list[Installed], downloads: Downloads) -> Entry:
    known = downloads.get(model.name)
    return Entry(
        name=model.name,
        engine=model.engine,
        task=model.task,
        model=model,
        found=next((each for each in at_hand if each.model is model), None),
        packaged=models.in_package(model),
        progress=known.progress if known else None,
        kept_bytes=models.leftover_bytes(downloads.folder, model.name) or None,
    )


def entry(downloads: Downloads, name: str) -> Entry | None:
    """One of them."""
    return next((each for each in entries(downloads) if each.name == name), None)


def imports(downloads: Downloads) -> list[Progress]:
    """The imports under way, and how the last ones ended."""
    return [each for each in downloads.all() if each.kind == "import"]


def missing_weights(found: list[Entry]) -> list[Entry]:
    """The small models that features of today work better with, and that are nowhere."""
    return [each for each in found if each.name in WEIGHTS and each.state not in {"installed", "built in"}]


# ---- as JSON ----------------------------------------------------------------------------------------------------


def entry_as_json(each: Entry) -> dict[str, Any]:
    """For the API and `--json`."""
    model = each.model
    return {
        "name": each.name,
        "title": each.title,
        "task": each.task,
        "engine": each.engine,
        "state": each.state,
        "languages": list(model.languages) if model else [],
        "languages_in_words": model.languages_in_words if model else "not known",
        "about": model.about if model else "Not in our list, and not verified.",
        "licence": model.licence if model else None,
        "attribution": model.attribution if model else None,
        "size_bytes": each.size_bytes,
        "download_bytes": model.download_bytes if model else None,
        "sources": [source.url for source in model.sources] if model else [],
        "folder": each.found.name if each.found else None,
        "kept_bytes": each.kept_bytes,
        "progress": progress_as_json(each.progress) if each.progress else None,
    }


def progress_as_json(progress: Progress) -> dict[str, Any]:
    """For the API and `--json`."""
    return {
        "name": progress.name,
        "kind": progress.kind,
        "doing": progress.doing,
        "done_bytes": progress.done_bytes,
        "total_bytes": progress.total_bytes,
        "bytes_per_s": None if progress.bytes_per_s is None else round(progress.bytes_per_s),
        "left_s": None if progress.left_s is None else round(progress.left_s),
        "host": progress.host,
        "put": progress.put,
        "error": error_as_json(progress.error) if progress.error else None,
    }


def error_as_json(error: AppError) -> dict[str, str]:
    return {"code": error.code, "what": error.what, "why": error.why, "fix": error.fix}


def check_as_json(name: str, files: tuple[CheckedFile, ...]) -> dict[str, Any]:
    """For the API and `--json`."""
    return {
        "name": name,
        "is_good": is_good(files),
        "files": [
            {
                "name": each.name,
                "outcome": each.outcome,
                "size_bytes": each.size_bytes,
                "sha256": each.sha256,
                "expected": each.expected or None,
            }
            for each in files
        ],
    }


def is_good(files: tuple[CheckedFile, ...]) -> bool:
    """Whether nothing is wrong or missing; of a model nobody knows, that is all that can be said."""
    return all(each.outcome not in {"wrong", "missing"} for each in files)


#: What each outcome says to people.
OUTCOME_WORDS = {
    "ok": "the published file, by its checksum",
    "size": "of the published size; no checksum was published",
    "unchanged": "unchanged since it came; no checksum was published",
    "unknown": "nothing to compare it with",
    "wrong": "not the file it should be",
    "missing": "missing",
}
