"""This file is the page of one call: hear it, read it, see how it felt, and what was done with it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.jobs import generating
from aftercall.model import CallState, Stage
from aftercall.store import call_speakers, calls, cdrs, corrections, llm_settings, reruns, speech_settings, transcripts
from aftercall.store.call_speakers import ChosenSpeaker
from aftercall.store.calls import CallDetail
from aftercall.web import access, audio, call_lines, engine_choices, figures, list_query, loudness, mood, rendering
from aftercall.web.display import ENDED
from aftercall.web.sessions import SignedIn

router = APIRouter()


def find(request: Request, account: SignedIn, call_id: str) -> CallDetail:
    """The call, if this account may see it.

    Raises:
        NotFound: there is none for them.
    """
    with rendering.parts_of(request).engine.connect() as db:
        return access.require_call(account, calls.detail(db, call_id))


@router.get("/calls/{call_id}")
def show(request: Request, account: SignedIn, call_id: str) -> Response:
    """The page."""
    parts = rendering.parts_of(request)
    found = find(request, account, call_id)
    came_from = list_query.read(dict(parse_qsl(request.query_params.get("list", ""))))
    now = parts.clock()
    with parts.engine.connect() as db:
        wanted = access.narrowed(account, came_from.wanted(now, calls.newest_utc_offset_min(db)))
        told = cdrs.told_of(db, found.row.pbx_id, found.row.linkedid) if found.row.linkedid else None
        further = calls.further_recordings(db, call_id)
        unsure_below = speech_settings.load(db).unsure_below
        llm = llm_settings.load(db)
        versions = transcripts.versions(db, call_id)
        rerun = reruns.open_of_call(db, call_id)
        candidate = transcripts.candidate(db, call_id, rerun.rerun_id) if rerun else None
        chosen = call_speakers.of_call(db, call_id)
        history = corrections.by_line(corrections.history(db, call_id))
        newer, older = calls.neighbours(db, wanted, found.row.sort_key) if wanted else (None, None)
    transcript, insight = found.transcript, found.insight
    moods = insight.turns if insight else ()
    return rendering.page(
        request,
        "call/page.html",
        call=found,
        row=found.row,
        list_address=came_from.address,
        newer=call_address(newer, came_from.query) if newer else None,
        older=call_address(older, came_from.query) if older else None,
        transcript=transcript,
        lines=call_lines.laid_out(transcript, moods, chosen, history) if transcript else [],
        language_from=call_lines.LANGUAGE_FROM_WORDS,
        felt=insight.sentiment if insight else None,
        voices=_voices(found, chosen),
        lane=mood.lane(transcript, moods, found.row.duration_s),
        loud_lane=loudness.lane(transcript, insight.metrics if insight else None, found.row.duration_s),
        insight=insight,
        metrics=insight.metrics if insight and transcript else None,
        talk_share=figures.share(insight.metrics) if insight and insight.metrics else None,
        figures=figures,
        line=mood.line(insight.sentiment) if insight else None,
        stages=_stages(found),
        told=told,
        further=further,
        trouble=next((each for each in found.stages if each.error), None),
        has_sound=found.archive_key is not None
        and found.audio is not None
        and found.row.state is not CallState.NO_AUDIO,
        is_over=found.row.state in ENDED,
        unsure_below=unsure_below,
        llm=llm,
        generated=found.generated,
        is_generated_outdated=found.generated is not None and generating.is_outdated(found.generated, transcript),
        versions=versions,
        rerun=rerun,
        candidate=candidate,
        engine_choices=engine_choices.listed(request),
        engine_languages=engine_choices.languages(request),
        events=f"/events?call={quote(call_id)}&since={quote(now.isoformat())}",
    )


def call_address(call_id: str, query: str = "", at_s: float | None = None) -> str:
    """A call's page, within the list it was opened from, at a second."""
    pairs = []
    if query:
        pairs.append(f"list={quote(query, safe='')}")
    if at_s is not None:
        pairs.append(f"t={at_s:.1f}")
    return f"/calls/{call_id}" + (f"?{'&'.join(pairs)}" if pairs else "")


def _voices(found: CallDetail, chosen: Mapping[str, ChosenSpeaker]) -> list[dict[str, str]]:
    """Whom each audio channel of a stereo recording carries: its name and its colour; empty for mono.

    Speaker A is the first audio channel, B the second.
    """
    if found.audio is None or len(found.peaks or ()) != 2:
        return []
    made = found.transcript
    known = call_lines.speakers(made, chosen) if made else {}
    pair = [known.get(key) or call_lines.speaker(key, None, chosen) for key in call_speakers.SPEAKERS]
    return [
        {"words": each.label, "colour": each.role or colour}
        for each, colour in zip(pair, ("agent", "customer"), strict=True)
    ]


def _stages(found: CallDetail) -> list[dict[str, object]]:
    """Every stage of the walk, also those not reached, with its state as a person would put it."""
    known = {each.stage: each for each in found.stages}
    shown: list[dict[str, object]] = []
    for stage in Stage:
        record = known.get(stage)
        state: str = record.state if record else "to come"
        # The last stage makes the call appear as done a moment before its own end is written down.
        if state == "running" and found.row.state is CallState.DONE:
            state = "done"
        if state == "to come" and found.row.state in ENDED:
            state = "not reached"
        shown.append({"stage": stage, "record": record, "state": state})
    return shown


@router.get("/calls/{call_id}/audio")
def sound(request: Request, account: SignedIn, call_id: str) -> Response:
    """The recording, ranged."""
    return audio.respond(request, find(request, account, call_id))


@router.post("/calls/{call_id}/retry")
def retry(request: Request, account: SignedIn, call_id: str) -> Response:
    """Try again from the stage that failed."""
    find(request, account, call_id)
    rendering.parts_of(request).control.retry(call_id)
    return RedirectResponse(f"/calls/{call_id}", status_code=303)
