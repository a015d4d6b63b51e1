"""This file lists what the web room is handed; it builds nothing itself."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from aftercall.jobs.clients import Preview
from aftercall.jobs.control import JobControl
from aftercall.model import PbxAddress
from aftercall.pbx.cdr_checks import DiagnoseCdr, diagnose_cdr
from aftercall.pbx.diagnose import Diagnose, diagnose
from aftercall.recordings.archive import Archive
from aftercall.recordings.filters import Filters
from aftercall.settings import Settings
from aftercall.speech.downloads import Downloads
from aftercall.store.vault import Vault


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything the pages and the API work with."""

    settings: Settings
    engine: sa.Engine
    vault: Vault
    archive: Archive
    control: JobControl
    #: The models on their way here.
    downloads: Downloads
    #: The one-time token of the link that creates the owner, while nobody may sign in yet.
    setup_token: str | None = None
    #: Tests the connection to a PBX, check by check.
    diagnose: Diagnose = diagnose
    #: The same for the way to its call detail records.
    diagnose_cdr: DiagnoseCdr = diagnose_cdr
    #: Counts what a sync would fetch: the address, the stored PBX's id if there is one, the filters.
    preview: Callable[[PbxAddress, str | None, Filters], Preview] | None = None
    clock: Callable[[], datetime] = _utc_now
    #: Set when the server is about to stop, so that open streams end at once.
    closing: threading.Event = field(default_factory=threading.Event)
