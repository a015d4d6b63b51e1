"""This file is "transcribe again": ask for it, watch it, compare what came of it, and keep the better transcript."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import NotFound
from aftercall.speech.score import Piece, word_diff
from aftercall.store import calls, categories, pbxs, recordings, reruns, transcripts
from aftercall.store.calls import CallFilter
from aftercall.store.reruns import Rerun
from aftercall.web import access, engine_choices, list_query, rendering
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter()

#: Nobody asks for more at once by mistake.
MOST_CALLS = 20_000
#: Calls shown on the page of a rerun.
LINES = 200
#: So many words around a change are shown; longer agreement is left out.
AROUND = 12


# ---- one call ---------------------------------------------------------------------------------------------------


@router.post("/calls/{call_id}/again")
def again(
    request: Request,
    account: SignedIn,
    call_id: str,
    engine: Annotated[str, Form(max_length=160)] = "",
    language: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Transcribe this call again; the present transcript stays until a person has compared them."""
    find(request, account, call_id)
    wish = engine_choices.read(request, engine, language)
    rendering.parts_of(request).control.transcribe_again(
        [call_id], engine=wish.engine, language=wish.language, query="", by=account.name
    )
    return RedirectResponse(f"/calls/{call_id}#transcript", status_code=303)


@router.get("/calls/{call_id}/versions/{number}")
def compare(request: Request, account: SignedIn, call_id: str, number: int) -> Response:
    """One of a call's transcripts beside the present one, word by word."""
    found = find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        versions = transcripts.versions(db, call_id)
        other = transcripts.of_version(db, call_id, number)
        present = transcripts.of_call(db, call_id)
    shown = next((each for each in versions if each.number == number), None)
    if other is None or shown is None:
        raise NotFound(thing="such version")
    before, after = (
        " ".join(turn.text for turn in each.turns if turn.text) if each else "" for each in (present, other)
    )
    pieces = word_diff(before, after)
    return rendering.page(
        request,
        "call/compare.html",
        row=found.row,
        versions=versions,
        version=shown,
        present=next((each for each in versions if each.state == "present"), None),
        pieces=_shortened(pieces),
        is_same=all(each.kind == "same" for each in pieces),
        transcript=other,
    )


@router.post("/calls/{call_id}/versions/{number}/take")
def take(request: Request, account: SignedIn, call_id: str, number: int) -> Response:
    """Let this version take the present transcript's place."""
    find(request, account, call_id)
    parts = rendering.parts_of(request)
    made_by = _rerun_of(request, call_id, number)
    if made_by:
        parts.control.accept(made_by, call_id)
    else:
        parts.control.take_version(call_id, number)
    return RedirectResponse(f"/calls/{call_id}#transcript", status_code=303)


@router.post("/calls/{call_id}/versions/{number}/discard")
def discard(request: Request, account: SignedIn, call_id: str, number: int) -> Response:
    """Forget a new transcript that is not wanted."""
    find(request, account, call_id)
    made_by = _rerun_of(request, call_id, number)
    if made_by is None:
        raise NotFound(thing="new transcript of this call")
    rendering.parts_of(request).control.discard(made_by, call_id)
    return RedirectResponse(f"/calls/{call_id}#transcript", status_code=303)


@router.post("/calls/{call_id}/again/forget")
def forget(request: Request, account: SignedIn, call_id: str, rerun: Annotated[str, Form(max_length=32)]) -> Response:
    """Take note of a failure, or stop waiting: nothing is shown of it any more."""
    find(request, account, call_id)
    control = rendering.parts_of(request).control
    control.cancel_rerun(rerun)
    control.discard(rerun, call_id)
    return RedirectResponse(f"/calls/{call_id}#transcript", status_code=303)


def _rerun_of(request: Request, call_id: str, number: int) -> str | None:
    with rendering.parts_of(request).engine.connect() as db:
        return transcripts.rerun_of(db, call_id, number)


def _shortened(pieces: list[Piece]) -> list[dict[str, Any]]:
    """The comparison without the long stretches in which both say the same."""
    shown: list[dict[str, Any]] = []
    for index, piece in enumerate(pieces):
        words = piece.text.split()
        if piece.kind != "same" or len(words) <= 2 * AROUND + 4:
            shown.append({"kind": piece.kind, "text": piece.text})
            continue
        head = words[:AROUND] if index else []
        tail = words[-AROUND:] if index < len(pieces) - 1 else []
        left_out = len(words) - len(head) - len(tail)
        if head:
            shown.append({"kind": "same", "text": " ".join(head)})
        shown.append(
            {"kind": "left out", "words": left_out, "text": " ".join(words[len(head) : len(words) - len(tail)])}
        )
        if tail:
            shown.append({"kind": "same", "text": " ".join(tail)})
    return shown


# ---- many calls -------------------------------------------------------------------------------------------------


@router.get("/reruns")
def show_all(request: Request, account: SignedIn) -> Response:
    """The newest reruns."""
    access.require_all(account)
    with rendering.parts_of(request).engine.connect() as db:
        found = [(each, reruns.counts(db, each.id)) for each in reruns.recent(db)]
    return rendering.page(request, "reruns/all.html", reruns=found)


@router.get("/reruns/new")
def ask(request: Request, account: SignedIn) -> Response:
    """How many calls a filtered list holds, and with what to transcribe them again."""
    query, wanted = _chosen(request, account, request.query_params.get("list", ""))
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = calls.ids(db, wanted, limit=MOST_CALLS + 1) if wanted else []
        totals = recordings.totals(db, found[:MOST_CALLS])
        names = {each.id: each.name for each in pbxs.all_pbxs(db)}
        category_names = categories.names(db)
        speeds = {each.value: reruns.seconds_per_second(db, each.engine) for each in engine_choices.listed(request)}
    return rendering.page(
        request,
        "reruns/new.html",
        query=query,
        chips=query.chips(names, category_names),
        count=len(found),
        most=MOST_CALLS,
        totals=totals,
        choices=engine_choices.listed(request),
        languages=engine_choices.languages(request),
        speeds=speeds,
    )


@router.post("/reruns")
def begin(
    request: Request,
    account: SignedIn,
    chosen: Annotated[str, Form(alias="list", max_length=2000)] = "",
    engine: Annotated[str, Form(max_length=160)] = "",
    language: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Transcribe all calls of a filtered list again."""
    query, wanted = _chosen(request, account, chosen)
    wish = engine_choices.read(request, engine, language)
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = calls.ids(db, wanted, limit=MOST_CALLS) if wanted else []
    rerun_id = parts.control.transcribe_again(
        found, engine=wish.engine, language=wish.language, query=query.address, by=account.name
    )
    return RedirectResponse(f"/reruns/{rerun_id}", status_code=303)


@router.get("/reruns/{rerun_id}")
def show(request: Request, account: SignedIn, rerun_id: str) -> Response:
    """How far a rerun is, and what it changed."""
    access.require_all(account)
    wish = _stored(request, rerun_id)
    with rendering.parts_of(request).engine.connect() as db:
        counts = reruns.counts(db, rerun_id)
        lines = reruns.calls_of(db, rerun_id, limit=LINES)
        rows = {row.id: row for row in calls.rows_by_id(db, [each.call_id for each in lines])}
        numbers = {each.call_id: transcripts.candidate(db, each.call_id, rerun_id) for each in lines}
    total = sum(counts.values())
    is_moving = any(counts.get(state, 0) for state in ("queued", "running", "replacing"))
    return rendering.page(
        request,
        "reruns/progress.html" if "hx-request" in request.headers else "reruns/page.html",
        rerun=wish,
        counts=counts,
        total=total,
        done=total - sum(counts.get(state, 0) for state in ("queued", "running")),
        is_moving=is_moving,
        lines=[(each, rows[each.call_id], numbers[each.call_id]) for each in lines if each.call_id in rows],
    )


@router.post("/reruns/{rerun_id}/{what}")
def decide(request: Request, account: SignedIn, rerun_id: str, what: str) -> Response:
    """Accept all that is ready, discard it, or stop."""
    access.require_all(account)
    _stored(request, rerun_id)
    control = rendering.parts_of(request).control
    ways = {"accept": control.accept_all, "discard": control.discard_all, "cancel": control.cancel_rerun}
    if what not in ways:
        raise NotFound(thing="such page")
    ways[what](rerun_id)
    return RedirectResponse(f"/reruns/{rerun_id}", status_code=303)


def _stored(request: Request, rerun_id: str) -> Rerun:
    with rendering.parts_of(request).engine.connect() as db:
        found = reruns.get(db, rerun_id)
    if found is None:
        raise NotFound(thing="such run")
    return found


def _chosen(request: Request, account: SignedIn, chosen: str) -> tuple[list_query.ListQuery, CallFilter | None]:
    """The filtered list that a form names by its query string."""
    access.require_all(account)
    parts = rendering.parts_of(request)
    query = list_query.read(dict(parse_qsl(chosen)))
    with parts.engine.connect() as db:
        return query, access.narrowed(account, query.wanted(parts.clock(), calls.newest_utc_offset_min(db)))
