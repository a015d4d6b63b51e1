"""This file walks the rooms and says what is wrong and how to put it right."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from aftercall.errors import AppError, ArchiveFull, NotFound
from aftercall.model import Check, PbxAddress
from aftercall.pbx.diagnose import diagnose
from aftercall.settings import Settings
from aftercall.speech import plugins
from aftercall.speech.engine import Outfit, RemoteService
from aftercall.store import pbxs, remote_service
from aftercall.store.vault import Vault

#: Below this the next busy day may not fit.
LOW_DISK_BYTES = 2 * 2**30


def examine(engine: sa.Engine, vault: Vault, settings: Settings, name: str | None) -> Iterator[dict[str, Any]]:
    """Check the installation, then the connection to each PBX (or to the one of that name).

    Yields:
        One JSON shape per check: check, status, what, why, fix, fixes, guide, and the PBX where it is about one.
    Raises:
        NotFound: there is no PBX of that name.
    """
    with engine.connect() as db:
        connected = pbxs.all_pbxs(db)
        remote = remote_service.described(db)
    chosen = [each for each in connected if name in (None, each.name)]
    if name and not chosen:
        raise NotFound(thing=f"PBX named {name}")
    if name is None:
        for check in _installation(settings, remote):
            yield shape(check)
        if not connected:
            yield shape(
                Check(
                    check="pbx",
                    status="skip",
                    what="No PBX is connected yet.",
                    fix="Settings > FreePBX, or: aftercall pbx add NAME --host H --port P --username U",
                )
            )
    for pbx in chosen:
        try:
            with engine.connect() as db:
                address = pbxs.address(db, pbx.id, vault)
        except AppError as error:
            yield shape(_failed("password", error), pbx=pbx.name)
            continue
        if address is not None:
            for check in _in_order(address, pbx.zone):
                yield shape(check, pbx=pbx.name)


def shape(check: Check, *, pbx: str | None = None) -> dict[str, Any]:
    """The JSON shape of a check."""
    about = {"pbx": pbx} if pbx else {}
    return {
        **about,
        "check": check.check,
        "status": check.status,
        "what": check.what,
        "why": check.why,
        "fix": check.fix,
        "fixes": [asdict(fix) for fix in check.fixes],
        "guide": check.guide,
        **({"code": check.code} if check.code else {}),
    }


def _in_order(address: PbxAddress, zone: str | None) -> Iterator[Check]:
    """The checks of a connection, each as soon as it has ended."""
    with asyncio.Runner() as runner:
        checks: AsyncIterator[Check] = diagnose(address, zone=zone)
        while (check := runner.run(_next(checks))) is not None:
            yield check


async def _next(checks: AsyncIterator[Check]) -> Check | None:
    return await anext(checks, None)


def _failed(check: str, error: AppError) -> Check:
    return Check(check=check, status="fail", what=error.what, why=error.why, fix=error.fix, code=error.code)


def _installation(settings: Settings, remote: RemoteService | None) -> Iterator[Check]:
    free_bytes = shutil.disk_usage(settings.data).free
    if free_bytes < LOW_DISK_BYTES:
        error = ArchiveFull(folder=str(settings.data), free_mb=free_bytes // 2**20)
        yield Check(check="disk", status="warn", what="The disk is nearly full.", why=error.why, fix=error.fix)
    else:
        yield Check(check="disk", status="ok", what=f"{free_bytes // 2**30} GB free in {settings.data}.")
    yield Check(check="database", status="ok", what=f"SQLite {sqlite3.sqlite_version}, schema up to date.")
    best = plugins.best_available(Outfit(models=settings.models_folder, remote=remote))
    if best is None:
        yield Check(
            check="speech",
            status="fail",
            what="No speech engine is installed.",
            why="The package pocketsphinx, which comes with Aftercall, is missing.",
            fix="Install Aftercall again, or: pip install pocketsphinx",
        )
    else:
        yield Check(check="speech", status="ok", what=f"The speech engine is {best}.")
