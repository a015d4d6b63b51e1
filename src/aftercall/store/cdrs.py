"""This file remembers what call detail records tell, and joins it with the recordings we have.

A call with recordings gets their facts; one without becomes a row of its own, which goes when its recording comes.
Rows may come late, in parts or twice: they are kept as they are, told apart by their keys, and the call is made anew
from all of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from aftercall.model import CallState, RecordingName
from aftercall.pbx import callbacks, cdr_calls, cdr_rows
from aftercall.pbx.callbacks import Talk
from aftercall.pbx.cdr_calls import CdrCall
from aftercall.pbx.cdr_rows import CdrRow
from aftercall.recordings import filters
from aftercall.store import calls, pbxs
from aftercall.store.pbxs import Pbx
from aftercall.store.tables import call, cdr, cdr_key, recording

#: A recording that the records name may be on its way for so long before its call is shown without one.
GRACE = timedelta(minutes=15)
#: So far back such calls are looked for.
OVERDUE = timedelta(days=1)
PORTION = 400

_Item = TypeVar("_Item")

_STEM_DATE = re.compile(r"-(\d{4})(\d{2})(\d{2})-\d{6}(?:-|$)")
#: A recording in these states cannot stand for its call while another can.
_USELESS = frozenset({CallState.NO_AUDIO, CallState.FAILED, CallState.SKIPPED})


# ---- what they tell ---------------------------------------------------------------------------------------------


def take(
    db: sa.Connection, pbx_id: str, rows: Iterable[CdrRow], now: datetime, *, usual_offset_min: int = 0
) -> list[str]:
    """Keep rows and bring the calls they tell of up to date; returns the linkedids of which they told anything new.

    Args:
        usual_offset_min: how far the table's clock is ahead of UTC, for calls whose ids hold no epoch.
    """
    changed = []
    for portion in _portions(list(cdr_calls.group(rows).items())):
        changed += _put(db, pbx_id, dict(portion), usual_offset_min)
    join(db, pbx_id, changed, now)
    return changed


def _put(db: sa.Connection, pbx_id: str, found: Mapping[str, Sequence[CdrRow]], usual_offset_min: int) -> list[str]:
    known = {
        row.linkedid: row.rows
        for row in db.execute(
            sa.select(cdr.c.linkedid, cdr.c.rows).where(cdr.c.pbx_id == pbx_id, cdr.c.linkedid.in_(found))
        )
    }
    changed = []
    for linkedid, rows in found.items():
        before = {row.key: row for row in map(cdr_rows.from_json, known.get(linkedid, []))}
        merged = before | {row.key: row for row in rows}
        if merged == before:
            continue
        changed.append(linkedid)
        told = cdr_calls.build(list(merged.values()), usual_offset_min=usual_offset_min)
        values = {
            "started_at": told.started_at,
            "direction": told.direction,
            "disposition": told.disposition,
            "number_tail": callbacks.number_key(told.outside_number),
            "extension": told.extension,
            "queue_or_group": told.queue_or_group,
            "is_recording_named": bool(told.stems),
            "rows": [cdr_rows.as_json(row) for row in merged.values()],
        }
        if linkedid in known:
            where = sa.and_(cdr.c.pbx_id == pbx_id, cdr.c.linkedid == linkedid)
            db.execute(cdr.update().where(where).values(**values))
        else:
            db.execute(cdr.insert().values(pbx_id=pbx_id, linkedid=linkedid, **values))
        _put_keys(db, pbx_id, told)
    return changed


def _put_keys(db: sa.Connection, pbx_id: str, told: CdrCall) -> None:
    keys = dict.fromkeys([*told.uniqueids, *told.stems])
    db.execute(cdr_key.delete().where(cdr_key.c.pbx_id == pbx_id, cdr_key.c.key.in_(keys)))
    db.execute(cdr_key.insert(), [{"pbx_id": pbx_id, "key": key, "linkedid": told.linkedid} for key in keys])


def told_of(db: sa.Connection, pbx_id: str, linkedid: str) -> CdrCall | None:
    """What the records tell of one call."""
    return next(iter(_told(db, pbx_id, [linkedid])), None)


def _told(db: sa.Connection, pbx_id: str, linkedids: Sequence[str]) -> list[CdrCall]:
    statement = sa.select(cdr.c.rows, cdr.c.started_at).where(cdr.c.pbx_id == pbx_id, cdr.c.linkedid.in_(linkedids))
    return [_built(row.rows, row.started_at) for row in db.execute(statement)]


def _built(rows: list[dict[str, Any]], started_at: datetime) -> CdrCall:
    read = [cdr_rows.from_json(row) for row in rows]
    # Where no id holds an epoch, the start that was worked out when the rows came tells the table's zone.
    ahead = min(row.calldate for row in read).replace(tzinfo=UTC) - started_at
    return cdr_calls.build(read, usual_offset_min=round(ahead / timedelta(minutes=15)) * 15)


# ---- the join ---------------------------------------------------------------------------------------------------


def join(db: sa.Connection, pbx_id: str, linkedids: Iterable[str], now: datetime) -> None:
    """Bring the calls of these linkedids up to date."""
    owner = pbxs.get(db, pbx_id)
    if owner is None:
        return
    for portion in _portions(list(linkedids)):
        for told in _told(db, pbx_id, portion):
            recorded = _recorded(db, pbx_id, told)
            if recorded:
                call_id: str | None = _enrich(db, pbx_id, recorded, told, now)
            elif _is_wanted(told, owner, now):
                call_id = _stand_in(db, owner, told, now)
            else:
                call_id = None
            where = sa.and_(cdr.c.pbx_id == pbx_id, cdr.c.linkedid == told.linkedid)
            db.execute(cdr.update().where(where).values(call_id=call_id))
            _match_call_backs(db, pbx_id, told, now)


def join_new(db: sa.Connection, pbx_id: str, call_ids: Sequence[str], now: datetime) -> None:
    """New recordings are here: join them with what the records have told already."""
    if db.scalar(sa.select(cdr.c.linkedid).where(cdr.c.pbx_id == pbx_id).limit(1)) is None:
        return
    found: dict[str, str] = {}
    for portion in _portions(call_ids):
        files = db.execute(
            sa.select(recording.c.call_id, recording.c.uniqueid, recording.c.name).where(
                recording.c.call_id.in_(portion)
            )
        ).all()
        keys = {key for file in files for key in (file.uniqueid, file.name.rpartition("/")[2]) if key}
        statement = sa.select(cdr_key.c.key, cdr_key.c.linkedid).where(
            cdr_key.c.pbx_id == pbx_id, cdr_key.c.key.in_(keys)
        )
        known = {row.key: row.linkedid for row in db.execute(statement)}
        for file in files:
            linkedid = known.get(file.name.rpartition("/")[2]) or known.get(file.uniqueid or "")
            if linkedid:
                found[file.call_id] = linkedid
    for call_id, linkedid in found.items():
        db.execute(call.update().where(call.c.id == call_id).values(linkedid=linkedid))
    join(db, pbx_id, dict.fromkeys(found.values()), now)


def join_left_over(db: sa.Connection, pbx_id: str, now: datetime) -> None:
    """Mend what time has changed.

    Calls whose named recording has not come within the grace get a row that says so; and where the recording that
    stands for a call turned out to hold nothing, another one of that call takes its place.
    """
    overdue = sa.select(cdr.c.linkedid).where(
        cdr.c.pbx_id == pbx_id,
        cdr.c.started_at.between(now - OVERDUE, now),
        cdr.c.is_recording_named,
        cdr.c.call_id.is_(None),
    )
    further = call.alias("further")
    hollow = (
        sa.select(call.c.linkedid)
        .distinct()
        .select_from(call.join(further, further.c.main_id == call.c.id))
        .where(call.c.pbx_id == pbx_id, call.c.state.in_(_USELESS), further.c.state.not_in(_USELESS))
    )
    join(db, pbx_id, dict.fromkeys([*db.scalars(overdue), *db.scalars(hollow)]), now)


def _recorded(db: sa.Connection, pbx_id: str, told: CdrCall) -> list[str]:
    """The ids of the calls that recordings of this call have brought: first the one that stands for it."""
    named = [name for stem in told.stems for name in _names_of(stem)]
    is_it = sa.or_(recording.c.name.in_(named), recording.c.uniqueid.in_(told.uniqueids))
    by_file = sa.select(recording.c.call_id).where(recording.c.pbx_id == pbx_id, is_it)
    by_call = sa.select(call.c.id).where(
        call.c.pbx_id == pbx_id, call.c.linkedid == told.linkedid, call.c.state != CallState.NO_RECORDING
    )
    ids = dict.fromkeys([*db.scalars(by_file), *db.scalars(by_call)])
    found = db.execute(sa.select(call.c.id, call.c.sort_key, call.c.state).where(call.c.id.in_(ids))).all()
    return [row.id for row in sorted(found, key=lambda row: (row.state in _USELESS, row.sort_key))]


def _names_of(stem: str) -> list[str]:
    """How the list may name a recording: in the folder of its day, or alone."""
    dated = _STEM_DATE.search(stem)
    return [stem, *([f"{dated[1]}/{dated[2]}/{dated[3]}/{stem}"] if dated else [])]


def _enrich(db: sa.Connection, pbx_id: str, recorded: Sequence[str], told: CdrCall, now: datetime) -> str:
    """Give the first recording's call what the records tell, and put the others under it."""
    main, *others = recorded
    before = _columns_of(db, [main])[0]
    _update(db, before, _facts(told, before) | {"main_id": None}, now)
    for row in _columns_of(db, others):
        _update(db, row, {"main_id": main, "linkedid": told.linkedid, "disposition": told.disposition}, now)
    stand_in = _stand_in_id(pbx_id, told)
    if db.execute(call.delete().where(call.c.id == stand_in)).rowcount:
        db.execute(call.update().where(call.c.called_back_id == stand_in).values(called_back_id=main, updated_at=now))
    return main


def _columns_of(db: sa.Connection, call_ids: Sequence[str]) -> list[dict[str, Any]]:
    rows = db.execute(sa.select(call).where(call.c.id.in_(call_ids))).mappings()
    return [{str(name): value for name, value in row.items()} for row in rows]


def _update(db: sa.Connection, before: Mapping[str, Any], values: dict[str, Any], now: datetime) -> None:
    """Write what differs; a call that stays as it was does not move on the pages."""
    changed = {name: value for name, value in values.items() if before[name] != value}
    if changed:
        # JSON's own null would be something.
        plain = {name: sa.null() if value is None else value for name, value in changed.items()}
        db.execute(call.update().where(call.c.id == before["id"]).values(**plain, updated_at=now))


def _facts(told: CdrCall, before: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that the records settle; numbers stay as the name has them, and times as the events told them."""
    values: dict[str, Any] = {
        "linkedid": told.linkedid,
        "caller_name": told.caller_name or before["caller_name"],
        "callee_name": told.callee_name or before["callee_name"],
        "did": told.did or before["did"],
        "extension": told.extension or before["extension"],
        "direction": told.direction if before["direction"] == "unknown" else before["direction"],
        "disposition": told.disposition,
        "talk_s": told.talk_s,
        "answered_at": told.answered_at,
        "hung_up_at": told.hung_up_at,
        "ring_s": told.ring_s,
        "transfers": [{"kind": each.kind, "to": each.to, "at": each.at.isoformat()} for each in told.transfers] or None,
        "caller": told.caller,
        "callee": told.callee,
        "queue_or_group": told.queue_or_group,
    }
    kept = ["caller", "callee", "queue_or_group"]
    if before["context"] is not None or before["hangup_cause"] is not None:
        kept += ["answered_at", "hung_up_at", "ring_s", "transfers"]
    return values | {name: before[name] for name in kept if before[name] is not None}


# ---- calls without a recording ------------------------------------------------------------------------------------


def why_unwanted(told: CdrCall, owner: Pbx) -> str:
    """The rule of the PBX's filters that leaves a call out, "" if none does."""
    as_named = RecordingName(
        name=told.stems[0] if told.stems else "",
        kind="unknown",
        direction=told.direction,
        caller=told.caller,
        callee=told.callee,
        extension=told.extension,
        started_at=told.started_at,
    )
    return filters.why_skipped(as_named, owner.filters)


def _is_wanted(told: CdrCall, owner: Pbx, now: datetime) -> bool:
    """Whether a call without a recording is to be shown: within the filters, and not just waiting for its recording."""
    if told.disposition == "answered" and told.stems and now - told.hung_up_at < GRACE:
        return False
    return not why_unwanted(told, owner)


def _stand_in_id(pbx_id: str, told: CdrCall) -> str:
    return calls.call_id(pbx_id, f"cdr:{told.linkedid}")


def _stand_in(db: sa.Connection, owner: Pbx, told: CdrCall, now: datetime) -> str:
    """The row of a call that has no recording; nothing but the records knows it, so they settle everything."""
    identity = _stand_in_id(owner.id, told)
    if not _columns_of(db, [identity]):
        fresh = {
            "id": identity,
            "sort_key": calls.sort_key(told.started_at, identity),
            "pbx_id": owner.id,
            "state": CallState.NO_RECORDING,
            "started_at": told.started_at,
            "is_start_estimated": False,
            "utc_offset_min": _offset_min(db, owner, told),
            "direction": told.direction,
            "updated_at": now,
        }
        db.execute(sa.insert(call).prefix_with("OR IGNORE", dialect="sqlite"), [fresh])
    before = _columns_of(db, [identity])[0]
    nothing = dict.fromkeys(before) | {"direction": "unknown"}
    _update(db, before, _facts(told, nothing), now)
    return identity


def _offset_min(db: sa.Connection, owner: Pbx, told: CdrCall) -> int | None:
    """The PBX's own zone: a table kept in UTC does not tell it."""
    if owner.zone:
        offset = told.started_at.astimezone(ZoneInfo(owner.zone)).utcoffset() or timedelta()
        return round(offset / timedelta(minutes=1))
    return told.table_offset_min or calls.newest_utc_offset_min(db) or told.table_offset_min


# ---- called back ------------------------------------------------------------------------------------------------


def _match_call_backs(db: sa.Connection, pbx_id: str, told: CdrCall, now: datetime) -> None:
    """Find the call in which this missed caller was spoken to, or the missed ones that this call answers."""
    number = told.outside_number
    tail = callbacks.number_key(number)
    if number is None or tail is None:
        return
    is_missed = told.direction == "inbound" and told.disposition != "answered"
    first = told.started_at if is_missed else told.started_at - callbacks.WITHIN
    statement = (
        sa.select(cdr, call.c.id.label("shown"), call.c.caller, call.c.callee, call.c.called_back_id)
        .select_from(cdr.join(call, call.c.id == cdr.c.call_id))
        .where(
            cdr.c.pbx_id == pbx_id,
            cdr.c.number_tail == tail,
            cdr.c.started_at.between(first, told.started_at + callbacks.WITHIN),
        )
        .order_by(cdr.c.started_at)
    )
    same = db.execute(statement).all()
    talks = [
        Talk(call_id=row.shown, number=spoken_to, started_at=row.started_at)
        for row in same
        if row.disposition == "answered" and (spoken_to := row.caller if row.direction == "inbound" else row.callee)
    ]
    for row in same:
        if row.direction != "inbound" or row.disposition == "answered" or row.started_at > told.started_at:
            continue
        found = callbacks.called_back(row.caller or "", row.started_at, talks)
        if found != row.called_back_id:
            db.execute(call.update().where(call.c.id == row.shown).values(called_back_id=found, updated_at=now))


def _portions(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]
