"""This file is the command line; each command opens the house, does one thing and prints JSON or plain lines."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import click

from aftercall import __version__, log
from aftercall import settings as settings_file
from aftercall.errors import AppError, NotFound
from aftercall.settings import Settings


class _Program(click.Group):
    """Turns our errors into what, why and fix on stderr, and exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except AppError as error:
            print_error(error)
            context.exit(1)


def print_error(error: AppError) -> None:
    click.echo(f"{error.what}\n  Why: {error.why}\n  Fix: {error.fix}\n  ({error.code})", err=True)


def _print_json(shape: object) -> None:
    click.echo(json.dumps(shape, ensure_ascii=False))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one line each.")


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aftercall")
@click.pass_context
def main(context: click.Context) -> None:
    """Self-hosted AI call analysis for FreePBX and Asterisk."""
    settings = settings_file.read()
    log.set_up(level=settings.log_level)
    context.obj = settings


# ---- serve ------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--host", help="Address to listen on (default: AFTERCALL_HOST or 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port (default: AFTERCALL_PORT or 8080).")
@json_option
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None, as_json: bool) -> None:
    """Run the web pages, the schedule and the jobs until Ctrl-C."""
    from aftercall.commands import serve as command

    chosen = replace(settings, host=host or settings.host, port=settings.port if port is None else port)

    def ready(address: str, setup_link: str | None) -> None:
        if as_json:
            _print_json({"address": address, "setup_link": setup_link})
        elif setup_link:
            click.echo(f"Aftercall is ready. Create the owner's account here (the link works once):\n  {setup_link}")
        else:
            click.echo(f"Aftercall is ready: {address}")

    command.run(chosen, on_ready=ready)


# ---- sync -------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("name", required=False)
@click.option("--wait", is_flag=True, help="Wait until everything new is fetched and analysed.")
@click.option("--status", is_flag=True, help="Ask for nothing: print how each PBX is doing, a JSON line each.")
@json_option
@click.pass_obj
def sync(settings: Settings, name: str | None, wait: bool, status: bool, as_json: bool) -> None:
    """Bring the new recordings of one PBX (or of all) home and analyse them."""
    from aftercall import wiring
    from aftercall.commands import sync as command
    from aftercall.store import shapes

    if wait and status:
        raise click.UsageError("Give --wait or --status, not both.")
    with wiring.open_house(settings) as house:
        if status:
            for doing in command.conditions(house, name):
                _print_json(shapes.pbx_status(doing))
            return
        if not wait:
            for pbx_id in command.chosen_pbxs(house, name):
                sync_id = house.control.sync(pbx_id, asked_by="user")
                _print_json({"id": sync_id}) if as_json else click.echo(f"Sync {sync_id} is queued for the server.")
            return
        results = command.run(house, name, tell=command.to_stderr)
    for each in results:
        if as_json:
            _print_json(shapes.sync(each))
        elif each.sync.error is None:
            click.echo(
                f"{each.sync.found_count} recordings listed, {each.sync.new_count} new: {each.done_count} done, "
                f"{each.failed_count} failed, {each.waiting_count} waiting"
            )
        if each.sync.error:
            click.echo(f"{each.sync.error.what}\n  Why: {each.sync.error.why}\n  Fix: {each.sync.error.fix}", err=True)
    if any(each.sync.state != "listed" for each in results):
        sys.exit(1)


# ---- analyse ----------------------------------------------------------------------------------------------------


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--engine", default="auto", show_default=True, help="Speech engine, or ENGINE/MODEL.")
@click.option("--language", help="Language spoken (BCP 47); found out if not given.")
@click.option("--workers", type=click.IntRange(1), help="Worker processes (default: one for each core).")
@click.option("--remote-url", envvar="AFTERCALL_REMOTE_URL", help="For --engine remote: the service, as far as /v1.")
@click.option("--remote-model", envvar="AFTERCALL_REMOTE_MODEL", default="whisper-1", show_default=True)
@click.option("--transcript", type=click.File(), help="Skip the audio: JSON lines with turns, - for stdin.")
@click.option(
    "--show-redacted", is_flag=True, help="Print card numbers, e-mail addresses and the like as they were said."
)
@click.pass_obj
def analyse(
    settings: Settings,
    files: tuple[Path, ...],
    engine: str,
    language: str | None,
    workers: int | None,
    remote_url: str | None,
    remote_model: str,
    transcript: Any,
    show_redacted: bool,
) -> None:
    """Analyse local audio files (or transcripts) and print a JSON line each; needs no PBX and stores nothing."""
    from aftercall.commands import analyse as command
    from aftercall.speech.engine import RemoteService

    remote = None
    if remote_url:
        key = os.environ.get("AFTERCALL_REMOTE_KEY", "")
        remote = RemoteService(url=remote_url, model=remote_model, key=key)
    if bool(files) == bool(transcript):
        raise click.UsageError("Give audio files, or --transcript with a file of JSON lines.")
    has_failed = False
    lines: Iterator[dict[str, Any]] = (
        command.of_transcripts(transcript, language=language or "en", shows_redacted=show_redacted)
        if transcript
        else command.of_files(
            files,
            settings,
            engine=engine,
            language=language,
            workers=workers or os.cpu_count() or 1,
            remote=remote,
            shows_redacted=show_redacted,
        )
    )
    for line in lines:
        has_failed = has_failed or "error" in line
        _print_json(line)
    if has_failed:
        sys.exit(1)


@main.command("recording-name")
@click.argument("names", nargs=-1, required=True)
@json_option
def recording_name(names: tuple[str, ...], as_json: bool) -> None:
    """Tell what recording names say, a JSON line each."""
    from aftercall.pbx import names as parser

    for name in names:
        _print_json(parser.as_json(parser.parse(name)))


# ---- doctor -----------------------------------------------------------------------------------------------------


@main.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def doctor(settings: Settings, name: str | None, as_json: bool) -> None:
    """Check this installation and the connection to each PBX (or one); a JSON line each, exit 1 if one fails."""
    from aftercall import doctor as doctor_room
    from aftercall import wiring

    has_failed = False
    with wiring.open_house(settings) as house:
        for line in doctor_room.examine(house.engine, house.vault, house.settings, name):
            has_failed = has_failed or line["status"] == "fail"
            _print_json(line)
    if has_failed:
        sys.exit(1)


# ---- calls ------------------------------------------------------------------------------------------------------


@main.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1), help="At most this many.")
@click.option("--search", default="", help="Words, phrases in quotes, or digits of a number.")
@json_option
@click.pass_context
def calls(context: click.Context, limit: int | None, search: str, as_json: bool) -> None:
    """List calls, newest first, a JSON line each."""
    if context.invoked_subcommand:
        return
    from aftercall import wiring
    from aftercall.store import calls as store
    from aftercall.store import shapes

    with wiring.open_house(context.obj) as house:
        left, older_than = limit, None
        while left is None or left > 0:
            size = 500 if left is None else min(left, 500)
            with house.engine.connect() as db:
                page = store.page(db, store.CallFilter(text=search), older_than=older_than, size=size)
            for row in page.rows:
                _print_json(shapes.call(row))
            left = None if left is None else left - len(page.rows)
            older_than = page.older_than
            if older_than is None:
                break


@calls.command("show")
@click.argument("call_id")
@json_option
@click.pass_obj
def show_call(settings: Settings, call_id: str, as_json: bool) -> None:
    """Print everything known of one call."""
    from aftercall import wiring
    from aftercall.store import calls as store
    from aftercall.store import shapes

    with wiring.open_house(settings) as house, house.engine.connect() as db:
        detail = store.detail(db, call_id)
        if detail is None:
            raise NotFound(thing=f"call {call_id}")
        _print_json(shapes.whole_call(detail))


@calls.command("retry")
@click.argument("call_id")
@click.pass_obj
def retry_call(settings: Settings, call_id: str) -> None:
    """Try a failed call again (the running server does it, or the next sync)."""
    from aftercall import wiring

    with wiring.open_house(settings) as house:
        house.control.retry(call_id)


@calls.command("again")
@click.argument("call_ids", nargs=-1, required=True)
@click.option("--engine", help="ENGINE or ENGINE/MODEL (default: what the settings say).")
@click.option("--language", help="Language spoken, BCP 47 (default: what the settings say).")
@click.pass_obj
def transcribe_again(settings: Settings, call_ids: tuple[str, ...], engine: str | None, language: str | None) -> None:
    """Transcribe calls again; the new transcripts wait until they are taken. Prints the run, a JSON line."""
    from aftercall import wiring
    from aftercall.store import calls as store
    from aftercall.store import reruns, shapes

    with wiring.open_house(settings) as house:
        with house.engine.connect() as db:
            known = {row.id for row in store.rows_by_id(db, call_ids)}
        if missing := [each for each in call_ids if each not in known]:
            raise NotFound(thing=f"call {missing[0]}")
        rerun_id = house.control.transcribe_again(
            call_ids, engine=engine, language=language, query="", by="command line"
        )
        with house.engine.connect() as db:
            made, counts = reruns.get(db, rerun_id), reruns.counts(db, rerun_id)
        assert made is not None
        _print_json(shapes.rerun(made, counts))


@calls.command("analyse-again")
@click.argument("call_ids", nargs=-1)
@click.option("--all", "are_all", is_flag=True, help="Every call.")
@click.pass_obj
def analyse_again(settings: Settings, call_ids: tuple[str, ...], are_all: bool) -> None:
    """Analyse calls again by the present rules; their transcripts stay. Prints the run, a JSON line."""
    from aftercall import wiring
    from aftercall.store import calls as store
    from aftercall.store import renewals, shapes

    if bool(call_ids) == are_all:
        raise click.UsageError("Name calls by their ids, or say --all.")
    with wiring.open_house(settings) as house:
        with house.engine.connect() as db:
            known = [row.id for row in store.rows_by_id(db, call_ids)]
            if missing := [each for each in call_ids if each not in known]:
                raise NotFound(thing=f"call {missing[0]}")
            chosen = store.ids(db, store.CallFilter(), limit=1_000_000) if are_all else known
        renewal_id = house.control.renew(chosen, query="", by="command line")
        with house.engine.connect() as db:
            made = renewals.get(db, renewal_id)
        assert made is not None
        _print_json(shapes.renewal(made))


@calls.command("generate")
@click.argument("call_ids", nargs=-1, required=True)
@click.pass_obj
def generate_summaries(settings: Settings, call_ids: tuple[str, ...]) -> None:
    """Have the language model summarise calls; a running server does it."""
    from aftercall import wiring

    with wiring.open_house(settings) as house:
        for each in call_ids:
            house.control.generate(each, by="command line")


@calls.command("versions")
@click.argument("call_id")
@click.option("--take", type=click.IntRange(1), help="Let this version take the present transcript's place.")
@click.pass_obj
def list_versions(settings: Settings, call_id: str, take: int | None) -> None:
    """List a call's transcripts, the present one first, a JSON line each."""
    from aftercall import wiring
    from aftercall.store import shapes, transcripts

    with wiring.open_house(settings) as house:
        if take is not None:
            with house.engine.connect() as db:
                rerun_id = transcripts.rerun_of(db, call_id, take)
            if rerun_id:
                house.control.accept(rerun_id, call_id)
            else:
                house.control.take_version(call_id, take)
        with house.engine.connect() as db:
            for each in transcripts.versions(db, call_id):
                _print_json(shapes.version(each))


@calls.command("export")
@click.argument("call_id")
@click.option(
    "--format", "suffix", default="txt", show_default=True, type=click.Choice(["txt", "srt", "vtt", "json", "docx"]),
    help="Text, subtitles (srt, vtt), JSON with every word, or a Word document.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to stdout.")
@click.pass_obj
def export_call(settings: Settings, call_id: str, suffix: str, output: Path | None) -> None:
    """Write a call's transcript with speakers and times."""
    from aftercall import wiring
    from aftercall.store import call_speakers, exports
    from aftercall.store import calls as store

    if output is None and suffix == "docx" and sys.stdout.isatty():
        raise click.UsageError("A Word document is no text for a terminal: give --output FILE.")
    with wiring.open_house(settings) as house, house.engine.connect() as db:
        detail = store.detail(db, call_id)
        if detail is None:
            raise NotFound(thing=f"call {call_id}")
        names = call_speakers.names(db, call_id)
        made = exports.document(detail, cast(exports.Suffix, suffix), names=names)
    with click.open_file(str(output or "-"), "wb") as file:
        file.write(made.content)


# ---- coverage ---------------------------------------------------------------------------------------------------


@main.command()
@click.argument("name", required=False)
@click.option("--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="Count this many days back.")
@click.option("--calls", "with_calls", is_flag=True, help="Print the calls without a recording instead, a line each.")
@click.pass_obj
def coverage(settings: Settings, name: str | None, days: int, with_calls: bool) -> None:
    """Count answered calls without a usable recording, by extension, queue and day, as one JSON line."""
    from aftercall import wiring
    from aftercall.commands import cdr as command

    with wiring.open_house(settings) as house:
        for line in command.coverage_lines(house, name, days, with_calls=with_calls):
            _print_json(line)


# ---- pbx --------------------------------------------------------------------------------------------------------


@main.group()
def pbx() -> None:
    """Connect, change and disconnect PBXs."""


def wanted_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which recordings of a PBX are wanted."""
    options = (
        click.option("--zone", help="The PBX's time zone, such as Europe/Berlin; '' to take it from the names."),
        click.option("--since", metavar="DAY", help="Only recordings from this day on, YYYY-MM-DD; or all."),
        click.option(
            "--direction", "directions", multiple=True,
            type=click.Choice(["inbound", "outbound", "internal", "conference", "all"]),
            help="Only this direction; may be given several times.",
        ),
        click.option(
            "--extension", "extensions", multiple=True, metavar="PATTERN",
            help="Only this extension, * and ? as in file names; may be given several times; or all.",
        ),
        click.option(
            "--skip-name", "skipped_names", multiple=True, metavar="PATTERN",
            help="Not the recordings of such a name; may be given several times; '' for none.",
        ),
        click.option("--min-duration", "min_duration_s", type=click.IntRange(0, 3600), metavar="SECONDS",
                     help="No shorter ones; known only after the download."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def pbx_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a PBX's settings, its address and name apart."""
    options = (
        click.option("--certificate", type=click.File(), help="PEM of the PBX's own certificate, to be trusted."),
        click.option("--prefix", help="HTTP prefix of Asterisk, if one is set."),
        click.option(
            "--interval", "sync_interval_min", type=click.IntRange(1, 1440),
            help="Minutes between syncs (default for a new PBX: 10).",
        ),
        wanted_options,
        click.option(
            "--downloads", "downloads_at_once", type=click.IntRange(1, 4),
            help="Downloads at a time, 1 to 4 (default for a new PBX: 2).",
        ),
        click.option(
            "--backlog-per-min", type=click.IntRange(0, 6000),
            help="At most so many old recordings a minute; 0 for no limit.",
        ),
        click.option(
            "--events/--no-events", "hears_events", default=None, help="Listen to events, so calls appear as they end."
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@pbx.command("add")
@click.argument("name")
@click.option("--host", required=True, help="Host name or IP address.")
@click.option("--port", required=True, type=click.IntRange(1, 65535), help="8088, or 8089 with TLS.")
@click.option("--username", required=True, help="The ARI user; read-only is enough.")
@click.option("--tls", "use_tls", is_flag=True, help="Use TLS.")
@pbx_options
@json_option
@click.pass_obj
def add_pbx(settings: Settings, /, name: str, certificate: Any, as_json: bool, **given: Any) -> None:
    """Connect a PBX; the password comes from AFTERCALL_PBX_PASSWORD or a prompt."""
    from aftercall import wiring
    from aftercall.commands import pbx as command
    from aftercall.jobs.steps import utc_now
    from aftercall.web.pbx_form import Entered

    given |= {"name": name, "password": _pbx_password(), "pinned_certificate": certificate and certificate.read()}
    with wiring.open_house(settings) as house:
        pbx_id = command.add(house, command.with_options(Entered(), given), utc_now())
    _print_json({"id": pbx_id, "name": name}) if as_json else click.echo(f"{name} is connected ({pbx_id}).")


@pbx.command("change")
@click.argument("name")
@click.option("--name", "new_name", help="A new name.")
@click.option("--host", help="Host name or IP address.")
@click.option("--port", type=click.IntRange(1, 65535), help="8088, or 8089 with TLS.")
@click.option("--username", help="The ARI user; read-only is enough.")
@click.option("--tls/--no-tls", "use_tls", default=None, help="Use TLS, or do not.")
@click.option("--password", "has_new_password", is_flag=True, help="Take AFTERCALL_PBX_PASSWORD, or ask for it.")
@pbx_options
@json_option
@click.pass_obj
def change_pbx(
    settings: Settings,
    /,
    name: str,
    new_name: str | None,
    has_new_password: bool,
    certificate: Any,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what is given of a PBX; new filters hold from the next sync on, and delete nothing."""
    from aftercall import wiring
    from aftercall.commands import pbx as command
    from aftercall.jobs.steps import utc_now
    from aftercall.store import shapes

    given |= {"name": new_name, "password": _pbx_password() if has_new_password else None}
    given |= {"pinned_certificate": certificate and certificate.read()}
    with wiring.open_house(settings) as house:
        changed = command.change(house, name, given, utc_now())
    _print_json(shapes.pbx(changed)) if as_json else click.echo(f"{changed.name} is changed.")


def _pbx_password() -> str:
    import os

    given = os.environ.get("AFTERCALL_PBX_PASSWORD")
    return str(click.prompt("ARI password", hide_input=True, err=True)) if given is None else given


@pbx.command("enable")
@click.argument("name")
@click.pass_obj
def enable_pbx(settings: Settings, name: str) -> None:
    """Switch a PBX on: its lists, its events, its downloads."""
    _switch_pbx(settings, name, is_enabled=True)


@pbx.command("disable")
@click.argument("name")
@click.pass_obj
def disable_pbx(settings: Settings, name: str) -> None:
    """Switch a PBX off; its calls stay."""
    _switch_pbx(settings, name, is_enabled=False)


def _switch_pbx(settings: Settings, name: str, *, is_enabled: bool) -> None:
    from aftercall import wiring
    from aftercall.commands import pbx as command

    with wiring.open_house(settings) as house:
        command.set_enabled(house, name, is_enabled=is_enabled)


@pbx.command("pause")
@click.argument("name")
@click.pass_obj
def pause_pbx(settings: Settings, name: str) -> None:
    """Hold back a PBX's old recordings; new calls come as ever."""
    _pause_backlog(settings, name, is_paused=True)


@pbx.command("events")
@click.option("--new-name", is_flag=True, help="Listen under a new name: another Aftercall has taken the old one.")
@click.pass_obj
def pbx_events(settings: Settings, new_name: bool) -> None:
    """Tell how the lines are that bring the PBXs' events, a JSON line each."""
    from aftercall import wiring
    from aftercall.jobs import hearing
    from aftercall.store import pbxs, shapes

    with wiring.open_house(settings) as house:
        with house.engine.begin() as db:
            application = hearing.rename(db) if new_name else hearing.application_name(db)
        with house.engine.connect() as db:
            for each in pbxs.all_pbxs(db):
                error = each.events_error
                _print_json(
                    {
                        "pbx": each.name,
                        "application": application,
                        "state": (each.events_state or "not heard") if each.hears_events else "off",
                        "since": shapes.moment(each.events_changed_at),
                        "error": error.as_json() if error else None,
                    }
                )


@pbx.command("cdr")
@click.argument("name")
@click.option("--host", help="Host of the PBX's database, or 127.0.0.1 through an SSH tunnel.")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port (default: 3306).")
@click.option("--database", help="Name of the database (default: asteriskcdrdb).")
@click.option("--username", help="A database user who may only read.")
@click.option("--tls/--no-tls", "use_tls", default=None, help="Use TLS, or do not.")
@click.option("--certificate", type=click.File(), help="PEM of the database's own certificate, to be trusted.")
@click.option("--password", "has_new_password", is_flag=True, help="Take AFTERCALL_CDR_PASSWORD, or ask for it.")
@click.option("--on/--off", "is_enabled", default=None, help="Read them, or not for now.")
@click.option("--test", "is_test", is_flag=True, help="Test the connection as it is then; a JSON line each.")
@click.option("--remove", "is_removal", is_flag=True, help="Forget the connection; what was read stays.")
@click.pass_obj
def cdr_of_pbx(
    settings: Settings,
    /,
    name: str,
    certificate: Any,
    has_new_password: bool,
    is_test: bool,
    is_removal: bool,
    **given: Any,
) -> None:
    """Say where a PBX's call detail records are read, test it, or print how the reading goes."""
    from aftercall import wiring
    from aftercall.commands import cdr as command

    given |= {"pinned_certificate": certificate and certificate.read()}
    has_failed = False
    with wiring.open_house(settings) as house:
        if is_removal:
            command.remove(house, name)
            return
        if has_new_password or any(value is not None for value in given.values()):
            password = _cdr_password() if has_new_password or command.is_new(house, name) else ""
            command.save(house, name, given, password)
        if is_test:
            for check in command.test(house, name):
                has_failed = has_failed or check.status == "fail"
                _print_json({"check": check.check, "status": check.status, "what": check.what, "why": check.why,
                             "fix": check.fix})  # fmt: skip
        else:
            _print_json(command.status(house, name))
    if has_failed:
        sys.exit(1)


def _cdr_password() -> str:
    import os

    given = os.environ.get("AFTERCALL_CDR_PASSWORD")
    return str(click.prompt("Database password", hide_input=True, err=True)) if given is None else given


@pbx.command("import-cdr")
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.pass_obj
def import_cdr(settings: Settings, name: str, file: Any) -> None:
    """Take in call detail records from a CSV file, - for stdin; the same file twice brings nothing twice."""
    from aftercall import wiring
    from aftercall.commands import cdr as command

    with wiring.open_house(settings) as house:
        imported = command.import_file(house, name, file)
    report = imported.report
    for line, why in report.bad_lines:
        click.echo(f"line {line}: {why}", err=True)
    _print_json({"rows": report.row_count, "bad_lines": report.bad_count, "calls": imported.call_count})


@pbx.command("resume")
@click.argument("name")
@click.pass_obj
def resume_pbx(settings: Settings, name: str) -> None:
    """Let a PBX's old recordings come again."""
    _pause_backlog(settings, name, is_paused=False)


def _pause_backlog(settings: Settings, name: str, *, is_paused: bool) -> None:
    from aftercall import wiring
    from aftercall.commands import pbx as command

    with wiring.open_house(settings) as house:
        house.control.pause_backlog(command.named(house, name).id, is_paused=is_paused)


@pbx.command("preview")
@click.argument("name")
@wanted_options
@json_option
@click.pass_obj
def preview_pbx(settings: Settings, /, name: str, as_json: bool, **given: Any) -> None:
    """Count what a sync would fetch, as the PBX is set or as the options say; nothing is changed."""
    from aftercall import wiring
    from aftercall.commands import pbx as command
    from aftercall.jobs.steps import utc_now

    with wiring.open_house(settings) as house:
        counted = command.preview(house, name, given, utc_now())
    for line in [json.dumps(counted.as_json())] if as_json else command.in_words(counted):
        click.echo(line)


@pbx.command("setup")
@click.option("--host", help="The PBX as this server reaches it.")
@click.option("--server", help="This server as the PBX sees it: an IP address or a network; not for a tunnel.")
@click.option("--freepbx", type=click.Choice(["15", "16", "17"]), help="Release of FreePBX (default: 17).")
@click.option("--connection", type=click.Choice(["tls", "tunnel", "plain"]), help="How to reach it (default: tls).")
@click.option("--username", help="The ARI user to make (default: aftercall).")
@click.option("--recordings", default="", help="Folder of the recordings, if not the one FreePBX tells.")
@click.option("--folder", type=click.Choice(["mount", "link"]), default="mount", show_default=True)
@click.option("--close-plain-port", is_flag=True, help="Keep port 8088 to the PBX itself.")
@click.option("--output", "-o", default="aftercall-setup.sh", show_default=True, help="The script; - for stdout.")
@click.option("--connect", metavar="NAME", help="Add the PBX under this name with its password, disabled.")
@json_option
@click.pass_obj
def set_up_pbx(
    settings: Settings,
    host: str | None,
    server: str | None,
    freepbx: str | None,
    connection: str | None,
    username: str | None,
    recordings: str,
    folder: str,
    close_plain_port: bool,
    output: str,
    connect: str | None,
    as_json: bool,
) -> None:
    """Write a script that prepares a FreePBX for Aftercall; what is not said is asked on a terminal.

    The password of the new ARI user is shown once, apart from the script, which holds only its hash.
    """
    from aftercall.commands import pbx_setup as command
    from aftercall.pbx import guide

    if as_json and output == "-":
        raise click.UsageError("The script and JSON cannot share stdout: give --output a file.")
    freepbx = _asked(freepbx, "Release of FreePBX", "17", choices=("15", "16", "17"))
    connection = _asked(connection, "Reach it by", "tls", choices=("tls", "tunnel", "plain"))
    host = _asked(host, "Host of the PBX", option="--host")
    server = "" if connection == "tunnel" else _asked(server, "Address of this server", option="--server")
    username = _asked(username, "ARI user to make", "aftercall")
    answers = guide.read(
        {"host": host, "server": server, "freepbx": freepbx, "connection": connection, "username": username,
         "recordings": recordings, "folder": folder, "close_plain_port": close_plain_port}
    )  # fmt: skip
    if connect:
        command.refuse_taken_name(settings, connect)
    secret = guide.new_secret()
    text = guide.script(answers, secret.crypt)
    path = None if output == "-" else Path(output)
    click.echo(text, nl=False) if path is None else command.write(text, path)
    pbx_id = command.connect(settings, connect, answers, secret) if connect else None
    if as_json:
        target = guide.target(answers)
        shown = {"script": output, "host": target.host, "port": target.port, "tls": target.use_tls}
        kept = {"id": pbx_id, "name": connect} if pbx_id else {"password": secret.password}
        _print_json(shown | {"username": target.username} | kept)
        return
    click.echo(command.next_steps(answers, path), err=path is None)
    if pbx_id:
        click.echo(
            f"{connect} is in Aftercall with its password, but disabled. Once the script has run, open it in "
            "Settings > FreePBX, test the connection and enable it.",
            err=path is None,
        )
    else:
        click.echo(f"Its password, shown this once:\n  {secret.password}", err=path is None)


def _asked(
    given: str | None, question: str, default: str | None = None, *, choices: tuple[str, ...] = (), option: str = ""
) -> str:
    """An answer that was given, or asked for on a terminal, or else the default."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        if default is None:
            raise click.UsageError(f"Missing option '{option}'.")
        return default
    kind = click.Choice(choices) if choices else None
    return str(click.prompt(question, default=default, type=kind, err=True))


@pbx.command("list")
@json_option
@click.pass_obj
def list_pbxs(settings: Settings, as_json: bool) -> None:
    """List the connected PBXs, a JSON line each."""
    from aftercall import wiring
    from aftercall.store import pbxs, shapes

    with wiring.open_house(settings) as house, house.engine.connect() as db:
        for each in pbxs.all_pbxs(db):
            _print_json(shapes.pbx(each))


@pbx.command("remove")
@click.argument("name")
@click.option("--with-calls", is_flag=True, help="Delete its calls and recordings too.")
@click.pass_obj
def remove_pbx(settings: Settings, name: str, with_calls: bool) -> None:
    """Disconnect a PBX; its calls stay unless you ask."""
    from aftercall import wiring
    from aftercall.store import pbxs

    with wiring.open_house(settings) as house:
        with house.engine.connect() as db:
            found = pbxs.by_name(db, name)
        if found is None:
            raise NotFound(thing=f"PBX named {name}")
        house.control.remove_pbx(found.id, house.archive, with_calls=with_calls)


# ---- models -----------------------------------------------------------------------------------------------------


@main.group("speech-service")
def speech_service_group() -> None:
    """The remote speech service: another machine that transcribes."""


def service_options(command: Callable[..., None]) -> Callable[..., None]:
    """What describes a service; what is left out stays as it is stored."""
    for option in (
        click.option("--url", help="As far as /v1, such as http://192.0.2.7:8000/v1."),
        click.option("--model", help="As the service calls it."),
        click.option("--in-auto/--not-in-auto", "is_in_auto", default=None, help="Whether `auto` may mean it."),
        click.option("--timeout", "timeout_s", type=float, help="Seconds for one request (300)."),
        click.option("--upload-limit", "upload_limit_mb", type=float, help="MB it takes at once (25)."),
    ):
        command = option(command)
    return command


@speech_service_group.command("show")
@click.pass_obj
def show_speech_service(settings: Settings) -> None:
    """Print the service without its key, or null."""
    from aftercall import wiring
    from aftercall.commands import speech_service as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        found = command.stored(house)
        _print_json(shapes.remote_service(found) if found else None)


@speech_service_group.command("set")
@service_options
@click.pass_obj
def set_speech_service(settings: Settings, /, **given: Any) -> None:
    """Save a service, or change what is given; a key is taken from AFTERCALL_REMOTE_KEY, else the stored one stays."""
    from aftercall import wiring
    from aftercall.commands import speech_service as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        saved = command.save(house, given, key=os.environ.get("AFTERCALL_REMOTE_KEY", ""))
        _print_json(shapes.remote_service(saved))


@speech_service_group.command("test")
@service_options
@click.pass_obj
def test_speech_service(settings: Settings, /, **given: Any) -> None:
    """Have a short sample transcribed by the stored service, or by what is given; saves nothing."""
    from aftercall import wiring
    from aftercall.commands import speech_service as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        _print_json(shapes.trial(command.test(house, given, key=os.environ.get("AFTERCALL_REMOTE_KEY", ""))))


@speech_service_group.command("remove")
@click.pass_obj
def remove_speech_service(settings: Settings) -> None:
    """Send nothing there any more."""
    from aftercall import wiring
    from aftercall.commands import speech_service as command

    with wiring.open_house(settings) as house:
        command.remove(house)


# ---- insight ----------------------------------------------------------------------------------------------------


@main.group()
def insight() -> None:
    """Hand out what people put right in the analysis."""


@insight.command("corrections")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file (default: stdout).")
@click.pass_obj
def mood_corrections(settings: Settings, output: Path | None) -> None:
    """Write what people said of the mood of lines, a JSON line each: what scripts/train_mood.py learns from."""
    from aftercall import wiring
    from aftercall.store import mood_corrections as store
    from aftercall.store import shapes

    with (
        wiring.open_house(settings) as house,
        house.engine.connect() as db,
        click.open_file(str(output or "-"), "w", encoding="utf-8") as file,
    ):
        for each in store.every(db):
            file.write(json.dumps(shapes.mood_correction(each), ensure_ascii=False) + "\n")


@main.group("categories")
def categories_group() -> None:
    """List, export, import, preview and apply the categories of calls."""


@categories_group.command("list")
@json_option
@click.pass_obj
def list_categories(settings: Settings, as_json: bool) -> None:
    """List the categories, with how many calls are in each."""
    from aftercall import wiring
    from aftercall.commands import categories as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        for each, count in command.listed(house):
            _print_json(shapes.category(each, count)) if as_json else click.echo(command.line(each, count))


@categories_group.command("export")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file (default: stdout).")
@click.pass_obj
def export_categories(settings: Settings, ids: tuple[str, ...], output: Path | None) -> None:
    """Write categories, or all of them, as YAML."""
    from aftercall import wiring
    from aftercall.commands import categories as command

    with wiring.open_house(settings) as house:
        text = command.exported(house, ids)
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


@categories_group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def import_categories(settings: Settings, file: Path) -> None:
    """Store the categories of a YAML file; one with a known id takes its place."""
    from aftercall import wiring
    from aftercall.commands import categories as command

    with wiring.open_house(settings) as house:
        click.echo(f"{command.import_(house, file)} imported")


@categories_group.command("preview")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def preview_categories(settings: Settings, file: Path, as_json: bool) -> None:
    """Count and quote the calls that the categories of a YAML file would hold."""
    from aftercall import wiring
    from aftercall.commands import categories as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        for category, found in command.preview(house, file):
            if as_json:
                _print_json({"id": category.id, **shapes.category_preview(found)})
            else:
                click.echo(command.preview_in_words(category, found))


@categories_group.command("apply")
@click.argument("category", required=False)
@click.option("--wait", "is_waiting", is_flag=True, help="Wait until a running server has done it.")
@json_option
@click.pass_obj
def apply_categories(settings: Settings, category: str | None, is_waiting: bool, as_json: bool) -> None:
    """Apply a category, or all of them, to past calls; a running server does it."""
    from aftercall import wiring
    from aftercall.commands import categories as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        run = command.apply(house, category, is_waiting=is_waiting, tell=lambda text: click.echo(text, err=True))
    if as_json:
        _print_json(shapes.category_run(run))
    else:
        click.echo(f"{run.state}: {run.done_count:,} of {run.call_count:,} calls, {run.hit_count:,} in a category")


# ---- models -----------------------------------------------------------------------------------------------------


@main.group("models")
def models_group() -> None:
    """Fetch, import and check the speech, speaker and vector models."""


@models_group.command("list")
@json_option
@click.pass_obj
def list_models(settings: Settings, as_json: bool) -> None:
    """List the models of our list and those in the models folder."""
    from aftercall.commands import models as command
    from aftercall.speech import catalogue
    from aftercall.speech.downloads import Downloads

    for each in catalogue.entries(Downloads(settings.models_folder)):
        _print_json(catalogue.entry_as_json(each)) if as_json else click.echo(command.line(each))


@models_group.command("fetch")
@click.argument("name")
@click.option("--mirror", help="Address of a mirror (default: the one set in Settings > Models).")
@json_option
@click.pass_obj
def fetch_model(settings: Settings, name: str, mirror: str | None, as_json: bool) -> None:
    """Fetch a model; an interrupted fetch goes on where it stopped."""
    from aftercall import wiring
    from aftercall.commands import models as command
    from aftercall.speech import catalogue

    with wiring.open_house(settings) as house:
        progress = command.fetch(house, name, mirror=mirror, tell=command.to_stderr())
    _print_json(catalogue.progress_as_json(progress)) if as_json else click.echo(f"{progress.put} is ready.")


@models_group.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", default="", help="What to call it (default: our name for it, or that of its folder).")
@json_option
@click.pass_obj
def import_model(settings: Settings, paths: tuple[Path, ...], name: str, as_json: bool) -> None:
    """Import a model from a folder, an archive, or its files."""
    from aftercall import wiring
    from aftercall.commands import models as command
    from aftercall.speech import catalogue

    with wiring.open_house(settings) as house:
        progress = command.import_(house, paths, name=name, tell=command.to_stderr())
    _print_json(catalogue.progress_as_json(progress)) if as_json else click.echo(f"{progress.put} is ready.")


@models_group.command("verify")
@click.argument("names", nargs=-1)
@json_option
@click.pass_obj
def verify_models(settings: Settings, names: tuple[str, ...], as_json: bool) -> None:
    """Compare models, or all of them, with what was published; exit 1 if one differs."""
    from aftercall import wiring
    from aftercall.commands import models as command
    from aftercall.speech import catalogue

    with wiring.open_house(settings) as house:
        checked = command.verify(house, names, command.to_stderr())
    for name, files in checked:
        shape = catalogue.check_as_json(name, files)
        _print_json(shape) if as_json else click.echo(command.check_in_words(name, files))
    if not all(catalogue.is_good(files) for _, files in checked):
        sys.exit(1)


@models_group.command("remove")
@click.argument("name")
@click.pass_obj
def remove_model(settings: Settings, name: str) -> None:
    """Delete a model, and what an unfinished fetch of it has left."""
    from aftercall import wiring

    with wiring.open_house(settings) as house:
        house.downloads.remove(name)
    click.echo(f"{name} is removed.")


# ---- language model ---------------------------------------------------------------------------------------------


@main.group("llm")
def language_model() -> None:
    """Choose, test and switch off the language model that summarises calls."""


@language_model.command("show")
@click.pass_obj
def show_language_model(settings: Settings) -> None:
    """Print the settings and what was used today, as JSON; the key is never shown."""
    from aftercall import wiring
    from aftercall.commands import language_model as command

    with wiring.open_house(settings) as house:
        _print_json(command.told(house))


@language_model.command("set")
@click.option("--url", help="Address of an OpenAI-compatible server, with its /v1.")
@click.option("--model", help="The model's name as the server lists it.")
@click.option(
    "--key", "with_key", is_flag=True, help="Set the key: from AFTERCALL_LLM_KEY or a prompt; empty forgets it."
)
@click.option("--mode", type=click.Choice(["native", "prompted", "tools"]), help="How the answer is asked for.")
@click.option("--timeout", "timeout_s", type=float, help="Seconds for one request.")
@click.option("--context", "context_tokens", type=int, help="Tokens the model reads at once.")
@click.option("--call-cap", type=int, help="Tokens one call may use.")
@click.option("--day-cap", type=int, help="Tokens all calls of a day may use.")
@click.option("--on", "is_enabled", flag_value=True, default=None, help="Switch it on: new calls are sent there.")
@click.pass_obj
def set_language_model(settings: Settings, /, with_key: bool, **given: Any) -> None:
    """Change what is given and leave the rest; transcripts are sent only once it is on."""
    from aftercall import wiring
    from aftercall.commands import language_model as command

    key = None
    if with_key:
        key = os.environ.get("AFTERCALL_LLM_KEY")
        if key is None:
            key = str(click.prompt("Key", default="", hide_input=True, show_default=False, err=True))
    with wiring.open_house(settings) as house:
        command.save(house, given, key=key)
        _print_json(command.told(house))


@language_model.command("test")
@click.pass_obj
def test_language_model(settings: Settings) -> None:
    """Ask the model about an invented call, keep the first mode that works, print JSON; exit 1 if none does."""
    from aftercall import wiring
    from aftercall.commands import language_model as command
    from aftercall.store import shapes

    with wiring.open_house(settings) as house:
        tested = command.test(house)
    _print_json(shapes.language_model_test(tested))
    sys.exit(0 if tested.mode else 1)


@language_model.command("off")
@click.pass_obj
def switch_language_model_off(settings: Settings) -> None:
    """Send nothing any more; the settings and what was written stay."""
    from aftercall import wiring
    from aftercall.commands import language_model as command

    with wiring.open_house(settings) as house:
        command.save(house, {"is_enabled": False}, key=None)
    click.echo("The language model is off. Nothing is sent any more.")


# ---- user -------------------------------------------------------------------------------------------------------


@main.group()
def user() -> None:
    """Manage who may sign in."""


def _new_password() -> str:
    import os

    given = os.environ.get("AFTERCALL_USER_PASSWORD")
    if given is not None:
        return given
    return str(click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["owner"]), default="owner", show_default=True)
@click.pass_obj
def add_user(settings: Settings, name: str, role: str) -> None:
    """Create an account; the password comes from AFTERCALL_USER_PASSWORD or a prompt."""
    from aftercall import wiring
    from aftercall.web import accounts

    with wiring.open_house(settings) as house:
        accounts.create(house.engine, name=name, password=_new_password(), role=role)
    click.echo(f"{name} may sign in.")


@user.command("password")
@click.argument("name")
@click.pass_obj
def set_password(settings: Settings, name: str) -> None:
    """Set a new password; every session of the account ends."""
    from aftercall import wiring
    from aftercall.web import accounts

    with wiring.open_house(settings) as house:
        accounts.set_password(house.engine, name=name, password=_new_password())
    click.echo(f"{name} has a new password.")


@user.command("list")
@json_option
@click.pass_obj
def list_users(settings: Settings, as_json: bool) -> None:
    """List the accounts, a JSON line each."""
    from aftercall import wiring
    from aftercall.store import accounts, shapes

    with wiring.open_house(settings) as house, house.engine.connect() as db:
        for each in accounts.all_accounts(db):
            _print_json({"name": each.name, "role": each.role, "created_at": shapes.moment(each.created_at)})


@user.command("token")
@click.argument("name")
@click.option("--for", "purpose", default="api", show_default=True, help="What the token is for.")
@click.pass_obj
def make_token(settings: Settings, name: str, purpose: str) -> None:
    """Make an API token; it is shown this once."""
    from aftercall import wiring
    from aftercall.jobs.steps import utc_now
    from aftercall.store import accounts

    with wiring.open_house(settings) as house, house.engine.begin() as db:
        found = accounts.by_name(db, name)
        if found is None:
            raise NotFound(thing=f"account {name}")
        click.echo(accounts.make_api_token(db, found.id, purpose, utc_now()))


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove_user(settings: Settings, name: str) -> None:
    """Delete an account, its sessions and its tokens."""
    from aftercall import wiring
    from aftercall.store import accounts

    with wiring.open_house(settings) as house, house.engine.begin() as db:
        found = accounts.by_name(db, name)
        if found is None:
            raise NotFound(thing=f"account {name}")
        accounts.remove(db, found.id)


# ---- demo -------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--once", is_flag=True, help="Sync, analyse, print the calls, and exit.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the pages (default: AFTERCALL_PORT or 8080).")
@json_option
@click.pass_obj
def demo(settings: Settings, once: bool, port: int | None, as_json: bool) -> None:
    """Show Aftercall on a built-in demo PBX."""
    from aftercall.commands import demo as command

    command.run(
        replace(settings, port=settings.port if port is None else port),
        is_once=once,
        as_json=as_json,
        say=click.echo,
    )


if __name__ == "__main__":
    main()
