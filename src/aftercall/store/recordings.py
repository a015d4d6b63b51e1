"""This file remembers recordings: what we know of the PBX's files and what became of each."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aftercall.model import AudioFacts, CallState
from aftercall.store.tables import call, pbx, recording


@dataclass(frozen=True, kw_only=True)
class RecordingFile:
    """One recording as the jobs need it."""

    id: str
    call_id: str
    pbx_id: str
    name: str
    listed_format: str
    attempt: int
    failures: int
    seen_size_bytes: int | None
    size_stood_since: datetime | None
    archive_key: str | None
    content_type: str | None
    size_bytes: int | None
    started_at: datetime
    state: CallState
    direction: str
    sort_key: int
    #: It was old already when it was first seen.
    is_backlog: bool
    first_seen_at: datetime
    fetched_at: datetime | None
    #: The call's end by this server's clock, if known.
    over_at: datetime | None
    is_start_estimated: bool


_FILE = (
    recording.c.id, recording.c.call_id, recording.c.pbx_id, recording.c.name, recording.c.listed_format,
    recording.c.attempt, recording.c.failures, recording.c.seen_size_bytes, recording.c.size_stood_since,
    recording.c.archive_key, recording.c.content_type, recording.c.size_bytes,
    call.c.started_at, call.c.state, call.c.direction, call.c.sort_key, recording.c.is_backlog,
    recording.c.first_seen_at, recording.c.fetched_at, call.c.over_at, call.c.is_start_estimated,
)  # fmt: skip


def known_names(db: sa.Connection, pbx_id: str, *, among: Collection[str] | None = None) -> Iterator[str]:
    """The names of the recordings of this PBX that we have ever seen, one by one.

    Read past the ORM's row objects: with 300,000 names this is what a sync spends its time on.

    Args:
        among: only those in the stretch of names from the first to the last of these; None for all.
    """
    cursor = db.connection.cursor()
    try:
        if among is None:
            cursor.execute("select name from recording where pbx_id = ?", (pbx_id,))
        elif among:
            ends = (min(among, key=_as_bytes), max(among, key=_as_bytes))
            cursor.execute("select name from recording where pbx_id = ? and name between ? and ?", (pbx_id, *ends))
        while rows := cursor.fetchmany(5000):
            for (name,) in rows:
                yield name
    finally:
        cursor.close()


def _as_bytes(name: str) -> bytes:
    """Names in the order of the database and of the PBX."""
    return name.encode("utf-8", "surrogatepass")


def get(db: sa.Connection, call_id: str) -> RecordingFile | None:
    return next(iter(get_all(db, [call_id])), None)


def attempts_of(db: sa.Connection, call_ids: Sequence[str]) -> dict[str, int]:
    """The newest attempt number of each of these that exists."""
    statement = sa.select(recording.c.call_id, recording.c.attempt).where(recording.c.call_id.in_(call_ids))
    return {row.call_id: row.attempt for row in db.execute(statement)}


def get_all(db: sa.Connection, call_ids: Sequence[str]) -> list[RecordingFile]:
    """Those of these calls that exist, newest first."""
    statement = (
        sa.select(*_FILE)
        .select_from(recording.join(call))
        .where(recording.c.call_id.in_(call_ids))
        .order_by(call.c.sort_key.desc())
    )
    return _files(db, statement)


def _files(db: sa.Connection, statement: sa.Select[Any]) -> list[RecordingFile]:
    # Through a row's mapping each column would be looked up anew: with a large backlog that is felt.
    found = db.execute(statement)
    names = list(found.keys())
    files = []
    for row in found:
        values = dict(zip(names, row, strict=True))
        values["state"] = CallState(values["state"])
        files.append(RecordingFile(**values))
    return files


def to_hand_out(
    db: sa.Connection, pbx_id: str, now: datetime, *, is_impatient: bool, with_backlog: bool = True
) -> list[RecordingFile]:
    """The recordings of a PBX that want a fetch job, newest first.

    These are the ones just found, and those whose next attempt is due or has no time (they wait for new settings).

    Args:
        is_impatient: a person asked, so those whose time has not come are taken too.
        with_backlog: False while old recordings are held back.
    """
    is_due = sa.or_(recording.c.next_try_at.is_(None), recording.c.next_try_at <= now)
    statement = (
        sa.select(*_FILE)
        .select_from(recording.join(call))
        .where(
            recording.c.pbx_id == pbx_id,
            recording.c.archive_key.is_(None),
            sa.true() if with_backlog else recording.c.is_backlog.is_(False),
            sa.or_(
                sa.and_(call.c.state == CallState.FOUND, recording.c.attempt == 0),
                sa.and_(
                    call.c.state.in_([CallState.IN_PROGRESS, CallState.WAITING]),
                    sa.true() if is_impatient else is_due,
                ),
            ),
        )
        .order_by(call.c.sort_key.desc())
    )
    return _files(db, statement)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What is at home of some calls."""

    at_home: int
    length: timedelta


def totals(db: sa.Connection, call_ids: Sequence[str]) -> Totals:
    """How many of these calls have their recording here, and how long those are together."""
    at_home, length_s = 0, 0.0
    for start in range(0, len(call_ids), 500):
        row = db.execute(
            sa.select(sa.func.count(), sa.func.sum(call.c.duration_s))
            .join(recording, recording.c.call_id == call.c.id)
            .where(call.c.id.in_(call_ids[start : start + 500]), recording.c.archive_key.is_not(None))
        ).one()
        at_home += row[0]
        length_s += row[1] or 0.0
    return Totals(at_home=at_home, length=timedelta(seconds=length_s))


def unfinished(db: sa.Connection) -> list[RecordingFile]:
    """Everything that is still on its way: to be fetched, analysed or tried again, newest first."""
    ended = [CallState.DONE, CallState.NO_AUDIO, CallState.FAILED, CallState.SKIPPED]
    statement = (
        sa.select(*_FILE)
        .select_from(recording.join(call).join(pbx, pbx.c.id == recording.c.pbx_id))
        .where(call.c.state.not_in(ended), pbx.c.removed_at.is_(None))
        .order_by(call.c.sort_key.desc())
    )
    return _files(db, statement)


def count_attempts(db: sa.Connection, call_ids: Sequence[str]) -> dict[str, int]:
    """Take the next attempt number of each: part of the job's id, so that trying again is a new job."""
    attempts: dict[str, int] = {}
    for start in range(0, len(call_ids), 500):
        rows = db.execute(
            recording.update()
            .where(recording.c.call_id.in_(call_ids[start : start + 500]))
            .values(attempt=recording.c.attempt + 1)
            .returning(recording.c.call_id, recording.c.attempt)
        )
        attempts.update((row.call_id, row.attempt) for row in rows)
    return attempts


def count_attempt(db: sa.Connection, call_id: str) -> int:
    """Take the next attempt number of one recording."""
    return count_attempts(db, [call_id])[call_id]


def record_failure(db: sa.Connection, call_id: str, next_try_at: datetime | None) -> None:
    db.execute(
        recording.update()
        .where(recording.c.call_id == call_id)
        .values(failures=recording.c.failures + 1, next_try_at=next_try_at)
    )


def record_next_try(db: sa.Connection, call_id: str, next_try_at: datetime) -> None:
    db.execute(recording.update().where(recording.c.call_id == call_id).values(next_try_at=next_try_at))


def look_soon(db: sa.Connection, pbx_id: str, now: datetime) -> None:
    """Nobody hears any more when the calls in progress end: let the next list look at them."""
    in_progress = sa.select(call.c.id).where(call.c.pbx_id == pbx_id, call.c.state == CallState.IN_PROGRESS)
    db.execute(
        recording.update()
        .where(recording.c.call_id.in_(in_progress), recording.c.next_try_at > now)
        .values(next_try_at=now)
    )


def forget_file(db: sa.Connection, call_id: str) -> None:
    """What is at home is not the whole recording any more: it must come again."""
    db.execute(
        recording.update()
        .where(recording.c.call_id == call_id)
        .values(archive_key=None, seen_size_bytes=None, size_stood_since=None, failures=0, next_try_at=None)
    )


def record_growing(
    db: sa.Connection, call_id: str, *, size_bytes: int, stood_since: datetime, next_try_at: datetime
) -> None:
    """Still being recorded: remember how large it was and since when."""
    db.execute(
        recording.update()
        .where(recording.c.call_id == call_id)
        .values(seen_size_bytes=size_bytes, size_stood_since=stood_since, next_try_at=next_try_at)
    )


def record_fetched(db: sa.Connection, call_id: str, **columns: Any) -> None:
    """It is home: archive key, size, hash, type and time."""
    db.execute(recording.update().where(recording.c.call_id == call_id).values(failures=0, next_try_at=None, **columns))


def record_audio(db: sa.Connection, call_id: str, facts: AudioFacts, peaks: list[list[float]]) -> None:
    db.execute(recording.update().where(recording.c.call_id == call_id).values(audio=asdict(facts), peaks=peaks))


def forget_failures(db: sa.Connection, call_id: str) -> None:
    """A person asked for another attempt: the count starts anew."""
    db.execute(recording.update().where(recording.c.call_id == call_id).values(failures=0, next_try_at=None))


def hold_backlog(db: sa.Connection, pbx_id: str, now: datetime) -> None:
    """Old recordings are held back: those not fetched yet wait; their queued jobs find that and let go."""
    old = sa.select(recording.c.call_id).where(recording.c.pbx_id == pbx_id, recording.c.is_backlog)
    db.execute(
        call.update()
        .where(call.c.pbx_id == pbx_id, call.c.state == CallState.FOUND, call.c.id.in_(old))
        .values(state=CallState.WAITING, updated_at=now)
    )


def put_off(db: sa.Connection, sync_id: str, now: datetime) -> None:
    """A sync was stopped: its calls that are not home wait for the next one; their queued jobs find nothing to do."""
    stopped = sa.select(call.c.id).where(call.c.sync_id == sync_id, call.c.state == CallState.FOUND)
    db.execute(
        recording.update()
        .where(recording.c.call_id.in_(stopped))
        .values(attempt=recording.c.attempt + 1, next_try_at=None)
    )
    db.execute(
        call.update()
        .where(call.c.sync_id == sync_id, call.c.state == CallState.FOUND)
        .values(state=CallState.WAITING, updated_at=now)
    )
