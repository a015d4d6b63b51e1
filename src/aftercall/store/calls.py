"""This file remembers calls: adding, finding, paging, and where each stands."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aftercall.model import (
    AudioFacts,
    CallState,
    Direction,
    Disposition,
    Insight,
    RecordingName,
    Stage,
    Transcript,
)
from aftercall.store import categories, generated, insights, search, stages, transcripts
from aftercall.store.categories import ShownCategory
from aftercall.store.generated import GeneratedRecord
from aftercall.store.search import Snippet
from aftercall.store.stages import StageRecord
from aftercall.store.tables import call, pbx, recording

#: The largest sort key a database can hold.
LARGEST_KEY = 2**63 - 1
#: A count beyond this is shown as "1000+": counting exactly reads every row.
COUNT_LIMIT = 1000
PAGE_SIZE = 50
#: So many of the newest calls are asked for the PBX's zone.
ZONE_CALLS = 200
#: A recording that is older than this when it is first seen belongs to the past: new calls come first.
BACKLOG_AFTER = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class NewCall:
    """A recording the PBX lists and we did not know."""

    pbx_id: str
    name: RecordingName
    listed_format: str
    first_seen_at: datetime
    #: The sync that found it, None if the PBX's events told of it first.
    sync_id: str | None
    #: How far the PBX's clock, which the name's time is, was ahead of ours.
    clock_skew_s: float = 0
    #: `IN_PROGRESS` for a call that the events say is going on.
    state: CallState = CallState.FOUND


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One line of the list."""

    id: str
    sort_key: int
    pbx_id: str
    pbx_name: str
    is_demo: bool
    sync_id: str | None
    #: Its name on the PBX, None for a call without a recording.
    recording: str | None
    state: CallState
    started_at: datetime
    is_start_estimated: bool
    utc_offset_min: int | None
    direction: Direction
    caller: str | None
    callee: str | None
    extension: str | None
    queue_or_group: str | None
    duration_s: float | None
    linkedid: str | None
    caller_name: str | None
    callee_name: str | None
    did: str | None
    context: str | None
    answered_at: datetime | None
    hung_up_at: datetime | None
    ring_s: float | None
    talk_s: float | None
    hangup_cause: int | None
    hangup_text: str | None
    disposition: Disposition | None
    transfers: list[dict[str, Any]] | None
    #: The call under which this further recording of the same conversation is shown.
    main_id: str | None
    called_back_id: str | None
    over_at: datetime | None
    listed_after_s: float | None
    fetched_after_s: float | None
    analysed_after_s: float | None
    done_at: datetime | None
    sentiment_score: float | None
    sentiment_label: str | None
    sentiment_trend: str | None
    is_sentiment_uncertain: bool | None
    engine: str | None
    is_low_accuracy: bool | None
    #: BCP 47, of the transcript.
    language: str | None
    #: Why somebody called, as it was said.
    reason: str | None
    #: The agent's part of the talk time, 0 to 1.
    talk_share: float | None
    #: Of the conversation, 0 to 1.
    silence_share: float | None
    #: By both parties; None where they cannot be heard.
    interruptions: int | None
    #: Promises by either party.
    open_promises: int | None
    updated_at: datetime
    #: Where a search found its words; empty without a search.
    snippet: Snippet | None = None


@dataclass(frozen=True, kw_only=True)
class CallDetail:
    """Everything known of one call."""

    row: CallRow
    #: None for a call without a recording, as all that follows.
    kind: str | None
    uniqueid: str | None
    size_bytes: int | None
    content_type: str | None
    sha256: str | None
    fetched_at: datetime | None
    next_try_at: datetime | None
    archive_key: str | None
    audio: AudioFacts | None
    #: Per audio channel, the loudest sample of each of some 800 equal stretches, 0 to 1.
    peaks: list[list[float]] | None
    stages: tuple[StageRecord, ...]
    transcript: Transcript | None
    insight: Insight | None
    #: By name, with the places in the call that say so.
    categories: tuple[ShownCategory, ...]
    #: What a language model wrote, or how far it is; None if none was ever asked.
    generated: GeneratedRecord | None = None


@dataclass(frozen=True, kw_only=True)
class CallFilter:
    """What the list is asked for; every field narrows it, None or "" leaves it open."""

    text: str = ""
    direction: str = ""
    #: `positive`, `neutral`, `negative`, `mixed`, or `none` for calls without a mood.
    mood: str = ""
    state: str = ""
    #: `answered`, `missed`, `voicemail`, `busy` or `failed`.
    disposition: str = ""
    pbx_id: str = ""
    extension: str = ""
    queue: str = ""
    #: Caller or callee, exactly as stored.
    number: str = ""
    sync_id: str = ""
    #: Id of a category.
    category: str = ""
    since: datetime | None = None
    until: datetime | None = None
    min_duration_s: float | None = None
    max_duration_s: float | None = None

    @property
    def is_open(self) -> bool:
        return self == CallFilter()


@dataclass(frozen=True, kw_only=True)
class CallPage:
    """One page, newest first."""

    rows: tuple[CallRow, ...]
    #: Sort keys to continue from, None where there is no more.
    older_than: int | None
    newer_than: int | None
    #: Exact up to COUNT_LIMIT, which then means "that many or more".
    count: int


def call_id(pbx_id: str, recording_name: str) -> str:
    """The id of the call that a recording brings: the same for the same recording, whoever asks, and as often."""
    digest = hashlib.sha256(f"{pbx_id}\0{recording_name}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


def sort_key(started_at: datetime, identity: str) -> int:
    """Start in ms << 20 | the low 20 bits of the id; a start no call can have (before 1970, after 2248) is bent in."""
    start_ms = min(max(int(started_at.timestamp() * 1000), 0), 2**43 - 1)
    return (start_ms << 20) | (int(identity, 16) & 0xFFFFF)


# ---- writing ----------------------------------------------------------------------------------------------------


def add_found(db: sa.Connection, found: Iterable[NewCall]) -> int:
    """Add calls that are not there yet; those that are stay as they are. Returns how many are new."""
    calls, recordings = [], []
    for new in found:
        identity = call_id(new.pbx_id, new.name.name)
        started_at = new.name.started_at or new.first_seen_at
        calls.append(
            {
                "id": identity,
                "sort_key": sort_key(started_at, identity),
                "pbx_id": new.pbx_id,
                "sync_id": new.sync_id,
                "state": new.state,
                "started_at": started_at,
                "is_start_estimated": new.name.started_at is None,
                "utc_offset_min": new.name.utc_offset_min,
                "direction": new.name.direction,
                "caller": new.name.caller,
                "callee": new.name.callee,
                "extension": new.name.extension,
                "queue_or_group": new.name.queue_or_group,
                "updated_at": new.first_seen_at,
            }
        )
        recordings.append(
            {
                "id": identity,
                "call_id": identity,
                "pbx_id": new.pbx_id,
                "name": new.name.name,
                "kind": new.name.kind,
                "uniqueid": new.name.uniqueid,
                "listed_format": new.listed_format,
                "first_seen_at": new.first_seen_at,
                "is_backlog": new.first_seen_at + timedelta(seconds=new.clock_skew_s) - started_at > BACKLOG_AFTER,
                "attempt": 0,
                "failures": 0,
            }
        )
    if not calls:
        return 0
    added = _insert_new(db, call, calls)
    _insert_new(db, recording, recordings)
    return added


def _insert_new(db: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> int:
    return db.execute(sa.insert(table).prefix_with("OR IGNORE", dialect="sqlite"), rows).rowcount


def record_facts(db: sa.Connection, identity: str, now: datetime, **facts: Any) -> None:
    """Keep what the events told of a call; what they did not tell stays as it is."""
    known = {name: value for name, value in facts.items() if value is not None}
    if known:
        db.execute(call.update().where(call.c.id == identity).values(updated_at=now, **known))


def record_lag(db: sa.Connection, identity: str, *, over_at: datetime | None = None, **seconds: float) -> None:
    """Keep when a call was over by our clock, and how long after it the call was where.

    Args:
        seconds: `listed_after_s`, `fetched_after_s`, `analysed_after_s`.
    """
    known: dict[str, Any] = seconds if over_at is None else {"over_at": over_at, **seconds}
    db.execute(call.update().where(call.c.id == identity).values(**known))


def set_state(db: sa.Connection, identity: str, state: CallState, now: datetime, **columns: Any) -> None:
    """Move a call on, with whatever else became known of it."""
    db.execute(call.update().where(call.c.id == identity).values(state=state, updated_at=now, **columns))


def touch(db: sa.Connection, identity: str, now: datetime) -> None:
    """Something about a call is different, though it stands where it stood: open pages follow."""
    db.execute(call.update().where(call.c.id == identity).values(updated_at=now))


def set_states(db: sa.Connection, identities: Sequence[str], state: CallState, now: datetime) -> None:
    """Move several calls on at once."""
    db.execute(call.update().where(call.c.id.in_(identities)).values(state=state, updated_at=now))


# ---- reading ----------------------------------------------------------------------------------------------------

_ROW = (
    *[column for column in call.c if column.name not in {"state"}],
    call.c.state,
    recording.c.name.label("recording"),
    pbx.c.name.label("pbx_name"),
    pbx.c.is_demo,
)
_FROM = call.outerjoin(recording, recording.c.call_id == call.c.id).join(pbx, pbx.c.id == call.c.pbx_id)


def _row(values: Any) -> CallRow:
    return CallRow(**{**values, "state": CallState(values["state"])})


def _conditions(wanted: CallFilter) -> list[sa.ColumnElement[bool]]:
    # Further recordings of one conversation are shown under it; those the filters left out, only when asked for.
    where: list[sa.ColumnElement[bool]] = [call.c.main_id.is_(None)]
    if wanted.state != CallState.SKIPPED:
        where.append(call.c.state != CallState.SKIPPED)
    equal = {
        call.c.direction: wanted.direction,
        call.c.state: wanted.state,
        call.c.disposition: wanted.disposition,
        call.c.pbx_id: wanted.pbx_id,
        call.c.extension: wanted.extension,
        call.c.queue_or_group: wanted.queue,
        call.c.sync_id: wanted.sync_id,
    }
    where += [column == value for column, value in equal.items() if value]
    if wanted.number:
        where.append(sa.or_(call.c.caller == wanted.number, call.c.callee == wanted.number))
    if wanted.mood == "none":
        where.append(call.c.sentiment_label.is_(None))
    elif wanted.mood:
        where.append(call.c.sentiment_label == wanted.mood)
    if wanted.category:
        where.append(categories.condition(wanted.category))
    if wanted.since:
        where.append(call.c.started_at >= wanted.since)
    if wanted.until:
        where.append(call.c.started_at < wanted.until)
    if wanted.min_duration_s is not None:
        where.append(call.c.duration_s >= wanted.min_duration_s)
    if wanted.max_duration_s is not None:
        where.append(call.c.duration_s <= wanted.max_duration_s)
    if wanted.text.strip():
        where.append(search.condition(wanted.text))
    return where


def page(
    db: sa.Connection,
    wanted: CallFilter,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    size: int = PAGE_SIZE,
) -> CallPage:
    """One page of calls, newest first, by keyset: as quick on page 1000 as on page 1.

    Args:
        older_than: continue below this sort key.
        newer_than: go back above this sort key instead.
    """
    where = _conditions(wanted)
    # Only the keys first: the search index and the filters never drag whole rows through a sort.
    keys = sa.select(call.c.sort_key).where(*where).limit(size + 1)
    if newer_than is not None:
        keys = keys.where(call.c.sort_key > newer_than).order_by(call.c.sort_key)
    else:
        keys = keys.order_by(call.c.sort_key.desc())
        if older_than is not None:
            keys = keys.where(call.c.sort_key < older_than)
    found: Sequence[int] = db.scalars(keys).all()
    has_more = len(found) > size
    shown = sorted(found[:size], reverse=True)
    rows = [
        _row(values)
        for values in db.execute(
            sa.select(*_ROW).select_from(_FROM).where(call.c.sort_key.in_(shown)).order_by(call.c.sort_key.desc())
        ).mappings()
    ]
    if wanted.text.strip() and rows:
        snippets = search.snippets(db, wanted.text, shown)
        rows = [replace(row, snippet=snippets.get(row.sort_key)) for row in rows]
    more_below = (newer_than is not None) or has_more
    more_above = has_more if newer_than is not None else older_than is not None
    return CallPage(
        rows=tuple(rows),
        older_than=shown[-1] if shown and more_below else None,
        newer_than=shown[0] if shown and more_above else None,
        count=_count(db, where),
    )


def _count(db: sa.Connection, where: list[sa.ColumnElement[bool]]) -> int:
    capped = sa.select(sa.literal(1)).select_from(call).where(*where).limit(COUNT_LIMIT).subquery()
    return db.scalar(sa.select(sa.func.count()).select_from(capped)) or 0


def rows_by_id(db: sa.Connection, identities: Sequence[str]) -> list[CallRow]:
    """These calls, newest first."""
    statement = sa.select(*_ROW).select_from(_FROM).where(call.c.id.in_(identities)).order_by(call.c.sort_key.desc())
    return [_row(values) for values in db.execute(statement).mappings()]


def further_recordings(db: sa.Connection, identity: str) -> list[CallRow]:
    """The calls that other recordings of this conversation brought, in order of start."""
    found = db.scalars(sa.select(call.c.id).where(call.c.main_id == identity)).all()
    return rows_by_id(db, found)[::-1] if found else []


def last_change(db: sa.Connection) -> datetime | None:
    """When any call moved last; one look into an index."""
    found: datetime | None = db.scalar(sa.select(sa.func.max(call.c.updated_at)))
    return found


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A call that moved, for pages that follow along."""

    row: CallRow
    #: Whether it belongs to the list that was asked for, as it is now.
    is_wanted: bool


def moved(
    db: sa.Connection,
    wanted: CallFilter,
    *,
    since: datetime,
    at_or_above: int = 0,
    only: str = "",
    limit: int = 2 * PAGE_SIZE,
) -> list[Moved]:
    """The newest of the calls that moved since then, newest first.

    Args:
        at_or_above: the sort key of the oldest call shown; what lies below it is nobody's concern.
        only: the id of the one call that matters, "" for all.
    """
    one = [call.c.id == only] if only else []
    # Only the keys first: right after a first sync this is every call there is.
    keys = db.scalars(
        sa.select(call.c.sort_key)
        .where(call.c.updated_at > since, call.c.sort_key >= at_or_above, *one)
        .order_by(call.c.sort_key.desc())
        .limit(limit)
    ).all()
    rows = db.execute(
        sa.select(*_ROW).select_from(_FROM).where(call.c.sort_key.in_(keys)).order_by(call.c.sort_key.desc())
    )
    found = [_row(values) for values in rows.mappings()]
    ids = [row.id for row in found]
    belonging = set(ids) if wanted.is_open else set(
        db.scalars(sa.select(call.c.id).where(call.c.id.in_(ids), *_conditions(wanted)))
    )  # fmt: skip
    return [Moved(row=row, is_wanted=row.id in belonging) for row in found]


def newest_utc_offset_min(db: sa.Connection) -> int | None:
    """The PBX's zone as the newest call that tells it has it: what "today" means to the people there."""
    # Where no name tells it, looking on through all calls would not help.
    newest = sa.select(call.c.sort_key, call.c.utc_offset_min).order_by(call.c.sort_key.desc()).limit(ZONE_CALLS)
    among = newest.subquery()
    told = sa.select(among.c.utc_offset_min).where(among.c.utc_offset_min.is_not(None))
    return db.scalar(told.order_by(among.c.sort_key.desc()).limit(1))


def detail(db: sa.Connection, identity: str) -> CallDetail | None:
    """Everything known of one call, None if there is no such call."""
    found = rows_by_id(db, [identity])
    if not found:
        return None
    columns = ("kind", "uniqueid", "size_bytes", "content_type", "sha256", "fetched_at", "next_try_at", "archive_key")
    statement = sa.select(*(recording.c[name] for name in columns), recording.c.audio, recording.c.peaks)
    file: Mapping[Any, Any] = db.execute(statement.where(recording.c.call_id == identity)).mappings().first() or {}
    return CallDetail(
        row=found[0],
        **{name: file.get(name) for name in columns},
        audio=AudioFacts(**file["audio"]) if file.get("audio") else None,
        peaks=file.get("peaks"),
        stages=stages.of_call(db, identity),
        transcript=transcripts.of_call(db, identity),
        insight=insights.of_call(db, identity),
        categories=categories.of_call(db, identity),
        generated=generated.of_call(db, identity),
    )


def neighbours(db: sa.Connection, wanted: CallFilter, key: int) -> tuple[str | None, str | None]:
    """The ids of the next newer and next older call within a filtered list."""
    where = _conditions(wanted)
    newer = db.scalar(sa.select(call.c.id).where(*where, call.c.sort_key > key).order_by(call.c.sort_key).limit(1))
    older = db.scalar(
        sa.select(call.c.id).where(*where, call.c.sort_key < key).order_by(call.c.sort_key.desc()).limit(1)
    )
    return newer, older


def ids(db: sa.Connection, wanted: CallFilter, *, limit: int) -> list[str]:
    """The ids of all calls of a filtered list, newest first."""
    statement = sa.select(call.c.id).where(*_conditions(wanted)).order_by(call.c.sort_key.desc()).limit(limit)
    return list(db.scalars(statement))


def state_counts(db: sa.Connection, *, pbx_id: str = "", sync_id: str = "") -> dict[CallState, int]:
    """How many calls stand where."""
    where = []
    if pbx_id:
        where.append(call.c.pbx_id == pbx_id)
    if sync_id:
        where.append(call.c.sync_id == sync_id)
    rows = db.execute(sa.select(call.c.state, sa.func.count()).where(*where).group_by(call.c.state))
    return {CallState(state): count for state, count in rows}


def current_stage(db: sa.Connection, identity: str) -> Stage | None:
    """The stage that runs now, if any."""
    return next((each.stage for each in stages.of_call(db, identity) if each.state == "running"), None)
