"""This file holds one ARI client per PBX for the jobs, and keeps the load on each PBX low."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aftercall.errors import NotFound, PbxListEmpty
from aftercall.jobs.loop import LoopThread
from aftercall.model import PbxAddress
from aftercall.pbx.ari import AriClient
from aftercall.recordings.archive import Archive
from aftercall.recordings.fetch import Fetched, Growing, Wanted, fetch
from aftercall.store import pbxs
from aftercall.store.vault import Vault

#: Downloads at a time per PBX. One connection moves 45 minutes of telephone audio a second; more only burdens it.
DOWNLOADS_AT_ONCE = 2


@dataclass(kw_only=True)
class _Line:
    """The connection to one PBX, as long as its address stays the same."""

    address: PbxAddress
    client: AriClient
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOWNLOADS_AT_ONCE))


class PbxClients:
    """Runs work against PBXs on the network thread; call it from job threads."""

    def __init__(self, engine: sa.Engine, vault: Vault, network: LoopThread) -> None:
        self._engine = engine
        self._vault = vault
        self._network = network
        self._lines: dict[str, _Line] = {}

    def list_recordings(self, pbx_id: str) -> Mapping[str, str]:
        """Every recording the PBX lists, name to format."""
        return self._network.run(self._list(self._address(pbx_id), pbx_id))

    def why_empty(self, pbx_id: str) -> PbxListEmpty:
        """What to tell about an empty list: the folders to look at on that PBX."""
        link, kept_in = self._network.run(self._folders(self._address(pbx_id), pbx_id))
        return PbxListEmpty(link=link, kept_in=kept_in)

    def fetch(
        self,
        pbx_id: str,
        wanted: Sequence[Wanted],
        *,
        archive: Archive,
        max_bytes: int,
        clock: Callable[[], datetime],
    ) -> list[Fetched | Growing | Exception]:
        """Bring recordings home, a few at a time; what became of each, in their order."""
        address = self._address(pbx_id)

        def one(client: AriClient, each: Wanted) -> Coroutine[Any, Any, Fetched | Growing]:
            return fetch(client, archive, each, max_bytes=max_bytes, clock=clock)

        return self._network.run(self._fetch(address, pbx_id, wanted, one))

    def close(self) -> None:
        self._network.run(self._close())

    def _address(self, pbx_id: str) -> PbxAddress:
        with self._engine.connect() as db:
            address = pbxs.address(db, pbx_id, self._vault)
        if address is None:
            raise NotFound(thing="PBX")
        return address

    async def _list(self, address: PbxAddress, pbx_id: str) -> Mapping[str, str]:
        return await (await self._line(address, pbx_id)).client.recordings()

    async def _folders(self, address: PbxAddress, pbx_id: str) -> tuple[str, str]:
        return await (await self._line(address, pbx_id)).client.recording_folders()

    async def _fetch(
        self,
        address: PbxAddress,
        pbx_id: str,
        wanted: Sequence[Wanted],
        fetch_one: Callable[[AriClient, Wanted], Coroutine[Any, Any, Fetched | Growing]],
    ) -> list[Fetched | Growing | Exception]:
        line = await self._line(address, pbx_id)

        async def one(each: Wanted) -> Fetched | Growing | Exception:
            async with line.downloads:
                try:
                    return await fetch_one(line.client, each)
                except Exception as exc:  # noqa: BLE001 (handed to the step, which decides what becomes of each)
                    return exc

        return list(await asyncio.gather(*(one(each) for each in wanted)))

    async def _line(self, address: PbxAddress, pbx_id: str) -> _Line:
        line = self._lines.get(pbx_id)
        if line is None or line.address != address:
            # The old client, if any, is left to the downloads that still use it; it holds no idle connections.
            line = self._lines[pbx_id] = _Line(address=address, client=AriClient(address))
        return line

    async def _close(self) -> None:
        for line in self._lines.values():
            await line.client.aclose()
        self._lines.clear()
