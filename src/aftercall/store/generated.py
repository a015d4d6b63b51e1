"""This file remembers what a language model wrote about each call, what that used, and when the model rests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from pydantic import TypeAdapter

from aftercall.errors import AppError
from aftercall.model import Generated
from aftercall.store import choices
from aftercall.store.stages import Failure
from aftercall.store.tables import generated, generated_usage

GeneratedState = Literal["queued", "running", "done", "failed", "skipped", "cancelled"]

_BODY = TypeAdapter(Generated)
_BREAKER = "llm_breaker"
#: After so many failures in a row the model rests for so long.
MOST_FAILURES, PAUSE = 5, timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class GeneratedRecord:
    """How far the summary of one call is, and what came of it."""

    call_id: str
    state: GeneratedState
    attempt: int
    #: Name of the account, "" when nobody asked.
    asked_by: str
    #: The newest that was made; older than `error` when a later attempt failed.
    made: Generated | None
    cache_key: str | None
    #: Used by every attempt, both ways.
    tokens: int
    error: Failure | None
    changed_at: datetime
    made_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """How the last requests went."""

    failures: int = 0
    paused_until: datetime | None = None
    #: What the last failure said.
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What was used on one day."""

    tokens: int = 0
    requests: int = 0


# ---- one call -----------------------------------------------------------------------------------------------------


def of_call(db: sa.Connection, call_id: str) -> GeneratedRecord | None:
    row = db.execute(sa.select(generated).where(generated.c.call_id == call_id)).mappings().first()
    return _record(row) if row else None


def ask(db: sa.Connection, call_id: str, *, by: str, now: datetime) -> int | None:
    """Want a summary of a call.

    Returns:
        The attempt that is to make it, None if one waits or is at it already.
    """
    known = of_call(db, call_id)
    if known is None:
        db.execute(
            generated.insert().values(call_id=call_id, state="queued", attempt=0, asked_by=by, changed_at=now, tokens=0)
        )
        return 0
    if known.state in {"queued", "running"}:
        return None
    attempt = known.attempt + 1
    db.execute(
        generated.update()
        .where(generated.c.call_id == call_id)
        .values(state="queued", attempt=attempt, asked_by=by, error=None, changed_at=now)
    )
    return attempt


def begin(db: sa.Connection, call_id: str, attempt: int, now: datetime) -> bool:
    """An attempt starts, or goes on after a kill; False if it is not wanted any more."""
    return _set(db, call_id, attempt, state="running", changed_at=now)


def is_wanted(db: sa.Connection, call_id: str, attempt: int) -> bool:
    """Whether the attempt that is at it is still wanted."""
    return bool(db.scalar(sa.select(sa.func.count()).select_from(generated).where(*_at_work(call_id, attempt))))


def put(
    db: sa.Connection, call_id: str, attempt: int, made: Generated, *, key: str, tokens: int, now: datetime
) -> bool:
    """Store what was made; False if it is not wanted any more."""
    return _set(
        db,
        call_id,
        attempt,
        state="done",
        body=_BODY.dump_python(made, mode="json"),
        cache_key=key,
        tokens=generated.c.tokens + tokens,
        error=None,
        changed_at=now,
        made_at=now,
    )


def fail(
    db: sa.Connection,
    call_id: str,
    attempt: int,
    error: AppError,
    now: datetime,
    *,
    state: Literal["failed", "skipped"] = "failed",
    tokens: int = 0,
) -> None:
    """Store why there is no new summary; one that was made before stays."""
    _set(
        db,
        call_id,
        attempt,
        state=state,
        error=Failure.of(error).as_json(),
        tokens=generated.c.tokens + tokens,
        changed_at=now,
    )


def put_off(db: sa.Connection, call_id: str, attempt: int, error: AppError, now: datetime) -> int | None:
    """Let another attempt try later; its number, None if it is not wanted any more."""
    values = {"state": "queued", "attempt": attempt + 1, "error": Failure.of(error).as_json(), "changed_at": now}
    return attempt + 1 if _set(db, call_id, attempt, **values) else None


def cancel(db: sa.Connection, call_id: str, now: datetime) -> bool:
    """Nothing is to be made of this call, if it waits or is at it."""
    wanted = generated.c.call_id == call_id, generated.c.state.in_(["queued", "running"])
    return bool(db.execute(generated.update().where(*wanted).values(state="cancelled", changed_at=now)).rowcount)


def count_attempt(db: sa.Connection, call_id: str) -> int:
    """A new attempt takes the place of one whose job is gone; its number."""
    attempt: int = db.execute(
        generated.update()
        .where(generated.c.call_id == call_id)
        .values(attempt=generated.c.attempt + 1, state="queued")
        .returning(generated.c.attempt)
    ).scalar_one()
    return attempt


def unfinished(db: sa.Connection) -> Sequence[GeneratedRecord]:
    """Those that wait or are at it."""
    found = db.execute(sa.select(generated).where(generated.c.state.in_(["queued", "running"]))).mappings()
    return [_record(row) for row in found]


def by_key(db: sa.Connection, key: str) -> Generated | None:
    """What was made of the same words by the same model and rules, of whichever call."""
    body = db.scalar(sa.select(generated.c.body).where(generated.c.cache_key == key).limit(1))
    return None if body is None else _BODY.validate_python(body)


def _at_work(call_id: str, attempt: int) -> tuple[sa.ColumnElement[bool], ...]:
    is_at_it = generated.c.state.in_(["queued", "running"])
    return generated.c.call_id == call_id, generated.c.attempt == attempt, is_at_it


def _set(db: sa.Connection, call_id: str, attempt: int, /, **values: object) -> bool:
    return bool(db.execute(generated.update().where(*_at_work(call_id, attempt)).values(**values)).rowcount)


def _record(row: sa.RowMapping) -> GeneratedRecord:
    said = dict(row)
    body, error = said.pop("body"), said.pop("error")
    return GeneratedRecord(
        **said,
        made=None if body is None else _BODY.validate_python(body),
        error=Failure(**error) if error else None,
    )


# ---- all of them --------------------------------------------------------------------------------------------------


def used_on(db: sa.Connection, day: datetime) -> Usage:
    """What was used on the day (UTC) of a moment."""
    row = db.execute(sa.select(generated_usage).where(generated_usage.c.day == _day(day))).mappings().first()
    return Usage(tokens=row["tokens"], requests=row["requests"]) if row else Usage()


def add_usage(db: sa.Connection, now: datetime, *, tokens: int, requests: int) -> None:
    day = generated_usage.c.day == _day(now)
    more = {"tokens": generated_usage.c.tokens + tokens, "requests": generated_usage.c.requests + requests}
    if not db.execute(generated_usage.update().where(day).values(**more)).rowcount:
        db.execute(generated_usage.insert().values(day=_day(now), tokens=tokens, requests=requests))


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def breaker(db: sa.Connection) -> Breaker:
    said = choices.get(db, _BREAKER) or {}
    until = said.get("paused_until")
    return Breaker(
        failures=said.get("failures", 0),
        paused_until=datetime.fromisoformat(until) if until else None,
        last=said.get("last", ""),
    )


def count_failure(db: sa.Connection, error: AppError, now: datetime) -> None:
    """One more in a row; too many, and the model rests."""
    failures = breaker(db).failures + 1
    until = (now + PAUSE).isoformat() if failures >= MOST_FAILURES else None
    choices.put(db, _BREAKER, {"failures": failures, "paused_until": until, "last": error.what})


def count_success(db: sa.Connection) -> None:
    """It works (again)."""
    choices.remove(db, _BREAKER)
