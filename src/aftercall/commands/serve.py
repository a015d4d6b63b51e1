"""This file is `aftercall serve`: the pages, the schedule and the jobs in one process."""

import contextlib
import secrets
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from aftercall import wiring
from aftercall.errors import SettingInvalid
from aftercall.jobs.clients import PbxClients
from aftercall.settings import Settings
from aftercall.store import accounts
from aftercall.web.app import create_app
from aftercall.web.parts import Parts
from aftercall.wiring import House

#: How long open pages may take to let go of their streams.
GRACE_S = 3


def run(settings: Settings, *, on_ready: Callable[[str, str | None], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        on_ready: told the address, and the one-time link that creates the owner while there is none.
    Raises:
        SettingInvalid: the address cannot be listened on.
        DataFolderInUse: another Aftercall works in this data folder.
    """
    with (
        wiring.open_house(settings) as house,
        wiring.at_work(house, with_schedule=True, with_events=True) as clients,
        listening(settings) as door,
    ):
        setup_token = setup_token_for(house)
        address = address_of(settings, door)
        server = make_server(house, clients, setup_token)

        def ready() -> None:
            on_ready(address, f"{address}/setup?token={setup_token}" if setup_token else None)

        server.on_started = ready
        run_until_stopped(server, door)


def run_until_stopped(server: "Server", door: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, and return from either.

    uvicorn shuts down and then raises the signal again; without a handler of ours SIGTERM would end the process there,
    before the jobs and their workers are stopped.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[door])
    finally:
        signal.signal(signal.SIGTERM, before)


def setup_token_for(house: House) -> str | None:
    """A new one-time token while nobody may sign in yet."""
    with house.engine.connect() as db:
        return None if accounts.count(db) else secrets.token_urlsafe(24)


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Bind the address before anything else starts, so that a taken port is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((settings.host, settings.port))
        except OSError as exc:
            raise SettingInvalid(
                name="AFTERCALL_PORT",
                value=f"{settings.host}:{settings.port}",
                expected=f"a free address of this machine ({exc.strerror})",
            ) from exc
        yield door
    finally:
        door.close()


def address_of(settings: Settings, door: socket.socket) -> str:
    """The address to open in a browser."""
    if settings.public_url:
        return settings.public_url
    host, port = door.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


class Server(uvicorn.Server):
    """Tells when it answers, and lets open streams end when it stops."""

    on_started: Callable[[], None] | None = None
    on_stopping: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.on_started:
            self.on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.on_stopping:
            self.on_stopping()
        await super().shutdown(sockets=sockets)


def make_server(house: House, clients: PbxClients | None, setup_token: str | None) -> Server:
    """The web server over this house, not started yet.

    Args:
        clients: the jobs' way to the PBXs; None where no jobs run.
    """
    parts = Parts(
        settings=house.settings,
        engine=house.engine,
        vault=house.vault,
        archive=house.archive,
        control=house.control,
        downloads=house.downloads,
        setup_token=setup_token,
        preview=clients.preview if clients else None,
    )
    config = uvicorn.Config(
        create_app(parts),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=house.settings.public_url is not None,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = Server(config)
    server.on_stopping = parts.closing.set
    return server
