"""This file is `aftercall demo`: a PBX of our own with calls of our own, synced, analysed and shown."""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from aftercall import wiring
from aftercall.commands import serve
from aftercall.commands import sync as sync_command
from aftercall.demo.pbx import PBX_NAME, demo_pbx, first_start_today
from aftercall.demo.simulator import Simulator
from aftercall.jobs.steps import utc_now
from aftercall.settings import Settings
from aftercall.store import accounts, calls, choices, pbxs, shapes, syncs
from aftercall.store.calls import CallFilter, CallRow
from aftercall.web import accounts as sign_in
from aftercall.wiring import House

#: Who signs in to look at the demo, when nobody may sign in yet.
ACCOUNT = "demo"
#: Remembers that the account above is ours and not a person's who chose that name.
_OURS = "demo account"

Say = Callable[[str], None]


def run(settings: Settings, *, is_once: bool, as_json: bool, say: Say) -> None:
    """Start the demo PBX, sync it, analyse its calls and print the link and the calls.

    Args:
        is_once: stop after that; else go on until Ctrl-C.
    Raises:
        DataFolderInUse: another Aftercall works in this data folder.
    """
    now = datetime.now().astimezone()
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        demo_pbx(now, first_start=first_start_today(settings.data, now)) as pbx,
        wiring.open_house(settings) as house,
    ):
        pbx_id = connect(house, pbx)
        if is_once:
            with wiring.at_work(house, with_schedule=False):
                _sync_and_show(house, pbx_id, as_json=as_json, say=say)
            return
        with wiring.at_work(house, with_schedule=True, with_events=True) as clients, serve.listening(settings) as door:
            password = open_account(house)
            server = serve.make_server(house, clients, setup_token=None)

            def ready() -> None:
                address = serve.address_of(settings, door)
                say(f"Aftercall shows its demo here: {address}")
                if password:
                    say(f"Sign in as {ACCOUNT} with the password {password}")
                say("Ctrl-C ends it.")
                threading.Thread(
                    target=_sync_and_show, args=(house, pbx_id), kwargs={"as_json": as_json, "say": say}, daemon=True
                ).start()

            server.on_started = ready
            serve.run_until_stopped(server, door)


def connect(house: House, pbx: Simulator) -> str:
    """Add the demo PBX, or give the one of an earlier start its new port and password."""
    entered = pbxs.PbxSettings(
        name=PBX_NAME,
        host=pbx.host,
        port=pbx.port,
        username=pbx.username,
        password=pbx.password,
        is_demo=True,
        sync_interval_min=1,
    )
    with house.engine.begin() as db:
        found = pbxs.by_name(db, PBX_NAME)
        if found is None:
            return pbxs.add(db, entered, house.vault, utc_now())
        pbxs.change(db, found.id, entered, house.vault, utc_now())
        return found.id


def open_account(house: House) -> str | None:
    """Let somebody in to look: a new password for the demo's account, None where people have accounts already."""
    with house.engine.connect() as db:
        is_ours = bool(choices.get(db, _OURS)) and accounts.by_name(db, ACCOUNT) is not None
        if accounts.count(db) and not is_ours:
            return None
    password = secrets.token_urlsafe(12)
    if is_ours:
        sign_in.set_password(house.engine, name=ACCOUNT, password=password)
    else:
        sign_in.create(house.engine, name=ACCOUNT, password=password, role="owner")
        with house.engine.begin() as db:
            choices.put(db, _OURS, True)
    return password


def _sync_and_show(house: House, pbx_id: str, *, as_json: bool, say: Say) -> None:
    sync_id = house.control.sync(pbx_id, asked_by="user")
    sync_command.watch(house, [sync_id], tell=sync_command.to_stderr, is_alone=False)
    with house.engine.connect() as db:
        failure = syncs.get(db, sync_id)
        rows = calls.page(db, CallFilter(pbx_id=pbx_id), size=100).rows
    if failure and failure.error:
        say(f"{failure.error.what} {failure.error.fix}")
    if as_json:
        for row in rows:
            say(json.dumps(shapes.call(row), ensure_ascii=False))
    else:
        say(table(rows))


def table(rows: tuple[CallRow, ...]) -> str:
    """The calls as lines for people."""
    lines = [("Time", "Direction", "Caller", "Callee", "Length", "Mood", "State")]
    lines += [
        (
            f"{row.started_at.astimezone():%d %b %H:%M}",
            row.direction,
            row.caller or "-",
            row.callee or "-",
            _length(row.duration_s),
            "-" if row.sentiment_score is None else f"{row.sentiment_score:+.1f} {row.sentiment_label}",
            row.state.value,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _length(duration_s: float | None) -> str:
    if duration_s is None:
        return "-"
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02}"
