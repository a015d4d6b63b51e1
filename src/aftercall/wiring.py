"""This file knows every room: it builds the parts and hands them over; nobody else builds any."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import DataFolderInUse, SettingInvalid
from aftercall.insight.whole import understand
from aftercall.jobs.cdr_reading import CdrReading
from aftercall.jobs.clients import PbxClients
from aftercall.jobs.control import JobControl
from aftercall.jobs.engine import JobEngine
from aftercall.jobs.generating import Generating
from aftercall.jobs.hearing import Hearing
from aftercall.jobs.loop import LoopThread
from aftercall.jobs.pool import Workers
from aftercall.jobs.schedule import Schedule
from aftercall.jobs.steps import Steps, utc_now
from aftercall.jobs.transcribing import Transcribing
from aftercall.jobs.understanding import Understanding
from aftercall.recordings.archive import Archive
from aftercall.settings import Settings
from aftercall.speech.downloads import Downloads
from aftercall.store import categories, database
from aftercall.store.vault import Vault, open_vault

_log = log.get("wiring")


@dataclass(frozen=True, kw_only=True)
class House:
    """The parts that every command shares."""

    settings: Settings
    engine: sa.Engine
    vault: Vault
    archive: Archive
    jobs: JobEngine
    control: JobControl
    downloads: Downloads


@contextlib.contextmanager
def open_house(settings: Settings) -> Iterator[House]:
    """Open the data folder: database up to date, key at hand, archive ready.

    Raises:
        SettingInvalid: the data folder cannot be made or written.
        SchemaAhead: a newer release has written it.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.data / "migrate.lock").touch()
    except OSError as exc:
        raise SettingInvalid(
            name="AFTERCALL_DATA", value=str(settings.data), expected="a folder this user may write"
        ) from exc
    engine = database.make_engine(settings.database)
    job_engine = database.make_engine(settings.job_database, is_durable=True)
    jobs = JobEngine(job_engine)
    control = JobControl(engine, jobs, understanding=Understanding(engine=engine, models=settings.models_folder))
    downloads = Downloads(settings.models_folder)
    try:
        database.migrate(engine, settings.data)
        with engine.begin() as db:
            categories.offer_packs(db, utc_now())
        yield House(
            settings=settings,
            engine=engine,
            vault=open_vault(settings.data, settings.secret_key),
            archive=Archive(settings.data / "recordings"),
            jobs=jobs,
            control=control,
            downloads=downloads,
        )
    finally:
        control.categories.close()
        downloads.close()
        jobs.close()
        engine.dispose()
        job_engine.dispose()


@contextlib.contextmanager
def at_work(house: House, *, with_schedule: bool, with_events: bool = False) -> Iterator[PbxClients]:
    """Work the jobs off in this process until the context ends; what is cut off goes on at the next start.

    Args:
        with_schedule: ask each PBX for its list when its interval is over, and read its call detail records.
        with_events: listen to the PBXs' events.

    Yields:
        The way to the PBXs that the jobs use, so that whoever else asks a PBX adds no load beside them.
    Raises:
        DataFolderInUse: another process works in this data folder.
    """
    settings = house.settings
    with _only_worker(settings.data):
        network = LoopThread()
        clients = PbxClients(house.engine, house.vault, network)
        workers = Workers(settings.workers)
        steps = the_walk(house, clients, workers, network)
        schedule = Schedule(house.engine, house.control, house.jobs)
        hearing = Hearing(house.engine, house.vault, network, house.jobs, house.control)
        records = CdrReading(house.engine, house.vault)
        try:
            house.jobs.launch(steps, analyse_concurrency=settings.workers)
            resumed = steps.resume()
            if resumed:
                _log.info("unfinished calls go on", count=resumed)
            if with_schedule:
                schedule.start()
                records.start()
            if with_events:
                hearing.start()
            yield clients
        finally:
            if with_events:
                hearing.close()
            if with_schedule:
                schedule.close()
                records.close()
            workers.close()
            clients.close()
            network.close()
            house.jobs.close()


def the_walk(house: House, clients: PbxClients, workers: Workers, network: LoopThread) -> Steps:
    """The steps of a call through the house, with all they need."""
    settings = house.settings
    return Steps(
        engine=house.engine,
        data=settings.data,
        jobs=house.jobs,
        clients=clients,
        archive=house.archive,
        workers=workers,
        transcribing=Transcribing(
            engine=house.engine,
            archive=house.archive,
            workers=workers,
            models_folder=settings.models_folder,
            vault=house.vault,
            threads=settings.workers,
        ),
        understanding=Understanding(
            engine=house.engine,
            models=settings.models_folder,
            think=lambda *known: workers.many.run(understand, *known),
        ),
        generating=Generating(engine=house.engine, vault=house.vault, network=network),
        max_recording_bytes=settings.max_recording_mb * 2**20,
    )


@contextlib.contextmanager
def lines_to_pbxs(house: House) -> Iterator[PbxClients]:
    """A way to the PBXs for a command that only asks them something, beside a server or without one."""
    network = LoopThread()
    clients = PbxClients(house.engine, house.vault, network)
    try:
        yield clients
    finally:
        clients.close()
        network.close()


@contextlib.contextmanager
def _only_worker(data: Path) -> Iterator[None]:
    """Hold the data folder's lock: two processes on one embedded job database would do the same work twice."""
    path = data / "aftercall.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            lock.seek(0)
            raise DataFolderInUse(folder=str(data), pid=lock.read().strip() or "unknown") from exc
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
