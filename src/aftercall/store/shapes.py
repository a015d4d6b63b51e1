"""This file gives calls their JSON shapes: the same from the command line and from the API."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any, cast

from aftercall.insight.category_rules import plain
from aftercall.insight.llm import Tested
from aftercall.insight.redaction import LABELS
from aftercall.model import (
    AudioFacts,
    CallMetrics,
    CallSentiment,
    Insight,
    NonSpeech,
    Redaction,
    RedactionKind,
    Transcript,
    Turn,
    TurnSentiment,
    Voices,
)
from aftercall.pbx.cdr_calls import CdrCall
from aftercall.recordings import filters
from aftercall.speech.engine import RemoteService
from aftercall.speech.engines.remote import Trial
from aftercall.store import condition, health
from aftercall.store.accuracy import Accuracy, Measured
from aftercall.store.calls import CallDetail, CallRow
from aftercall.store.categories import ShownCategory, StoredCategory
from aftercall.store.category_preview import Preview, Sample
from aftercall.store.category_runs import Run
from aftercall.store.cdr_sources import CdrSource, Kept
from aftercall.store.condition import Condition
from aftercall.store.corrections import Correction
from aftercall.store.coverage import Entry, Figure, Report
from aftercall.store.generated import Breaker, GeneratedRecord, Usage
from aftercall.store.health import Lag
from aftercall.store.llm_settings import LlmSettings
from aftercall.store.mood_corrections import MoodCorrection
from aftercall.store.overview import Figures, Group
from aftercall.store.pbxs import Pbx
from aftercall.store.renewals import Renewal
from aftercall.store.reruns import Rerun, RerunState
from aftercall.store.speech_settings import SpeechSettings
from aftercall.store.stages import Failure, StageRecord
from aftercall.store.syncs import Progress, Sync
from aftercall.store.transcripts import Version
from aftercall.store.vocabulary import Phrase


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def local_moment(at: datetime, utc_offset_min: int | None) -> str | None:
    """ISO 8601 in the PBX's own zone, where its recording names tell it."""
    if utc_offset_min is None:
        return None
    return at.astimezone(timezone(timedelta(minutes=utc_offset_min))).isoformat()


def call(row: CallRow) -> dict[str, Any]:
    """One call as in a list."""
    shape: dict[str, Any] = {
        "id": row.id,
        "pbx": row.pbx_name,
        "recording": row.recording,
        "state": row.state.value,
        "started_at": moment(row.started_at),
        "started_at_local": local_moment(row.started_at, row.utc_offset_min),
        "is_start_estimated": row.is_start_estimated,
        "direction": row.direction,
        "caller": row.caller,
        "callee": row.callee,
        "extension": row.extension,
        "queue_or_group": row.queue_or_group,
        "duration_s": row.duration_s,
        "linkedid": row.linkedid,
        "caller_name": row.caller_name,
        "callee_name": row.callee_name,
        "did": row.did,
        "disposition": row.disposition,
        "answered_at": moment(row.answered_at),
        "hung_up_at": moment(row.hung_up_at),
        "ring_s": row.ring_s,
        "talk_s": row.talk_s,
        "hangup_cause": row.hangup_cause,
        "hangup_text": row.hangup_text,
        "transfers": row.transfers or [],
        "further_recording_of": row.main_id,
        "called_back_by": row.called_back_id,
        "sentiment": _call_mood(row),
        "reason": row.reason,
        "talk_share": row.talk_share,
        "silence_share": row.silence_share,
        "interruptions": row.interruptions,
        "open_promises": row.open_promises,
        "engine": row.engine,
        "language": row.language,
        "is_low_accuracy": row.is_low_accuracy,
        "is_demo": row.is_demo,
        "updated_at": moment(row.updated_at),
    }
    if row.snippet:
        shape["snippet"] = {
            "text": "".join(part for part, _ in row.snippet.parts),
            "hits": [part for part, is_hit in row.snippet.parts if is_hit],
            "start_s": row.snippet.start_s,
            "speaker": row.snippet.speaker,
        }
    return shape


def _call_mood(row: CallRow) -> dict[str, Any] | None:
    if row.sentiment_label is None:
        return None
    return {
        "score": row.sentiment_score,
        "label": row.sentiment_label,
        "trend": row.sentiment_trend,
        "is_low_confidence": row.is_sentiment_uncertain,
    }


def whole_call(detail: CallDetail) -> dict[str, Any]:
    """Everything known of one call."""
    return {
        **call(detail.row),
        "kind": detail.kind,
        "uniqueid": detail.uniqueid,
        "size_bytes": detail.size_bytes,
        "sha256": detail.sha256,
        "content_type": detail.content_type,
        "fetched_at": moment(detail.fetched_at),
        "next_try_at": moment(detail.next_try_at),
        "audio": audio(detail.audio) if detail.audio else None,
        "stages": [stage(each) for each in detail.stages],
        **understood(detail.transcript, detail.insight),
        "generated": generated(detail.generated) if detail.generated else None,
        "categories": [shown_category(each) for each in detail.categories],
    }


def generated(record: GeneratedRecord) -> dict[str, Any]:
    """What a language model wrote about a call, with its evidence, or why it did not."""
    made = record.made
    written = asdict(made) | {"made_at": moment(record.made_at)} if made else None
    return {
        "state": record.state,
        "error": record.error.as_json() if record.error else None,
        "tokens": record.tokens,
        "changed_at": moment(record.changed_at),
        "written": written,
    }


def language_model(chosen: LlmSettings, used: Usage, rest: Breaker) -> dict[str, Any]:
    """Which language model is asked, and what it has used today; the key is never given."""
    return asdict(chosen) | {
        "used_today": {"tokens": used.tokens, "requests": used.requests},
        "failures_in_a_row": rest.failures,
        "paused_until": moment(rest.paused_until),
    }


def language_model_test(tested: Tested) -> dict[str, Any]:
    """Which mode works, and what came of the others."""
    return {
        "mode": tested.mode,
        "took_s": round(tested.took_s, 2),
        "answer": [each.text for each in tested.made.summary] if tested.made else None,
        "failures": [{"mode": mode, "error": Failure.of(error).as_json()} for mode, error in tested.failures],
    }


def shown_category(shown: ShownCategory) -> dict[str, Any]:
    """A category of a call, with the places in the call that say so."""
    return {
        "id": shown.id,
        "name": shown.name,
        "colour": shown.colour,
        "evidence": [asdict(each) for each in shown.evidence],
    }


def category(stored: StoredCategory, count: int = 0) -> dict[str, Any]:
    """A category with its rules, and how many calls are in it."""
    made = stored.category
    return {
        **plain(made),
        "about": made.about,
        "pack": made.pack or None,
        "enabled": made.is_enabled,
        "version": stored.version,
        "is_as_packed": stored.is_as_packed,
        "changed_by": stored.changed_by,
        "changed_at": moment(stored.changed_at),
        "call_count": count,
    }


def category_preview(found: Preview) -> dict[str, Any]:
    """What a category would hold."""
    return {
        "call_count": found.call_count,
        "count": found.count,
        "days": {day.isoformat(): count for day, count in found.days},
        "samples": [_sample(each) for each in found.samples],
        "added_count": found.added_count,
        "removed_count": found.removed_count,
        "added": [_sample(each) for each in found.added],
        "removed": [_sample(each) for each in found.removed],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {"call_id": sample.call_id, "evidence": [asdict(each) for each in sample.hit.evidence]}


def category_run(run: Run) -> dict[str, Any]:
    """How far applying the categories to past calls is."""
    return {
        "id": run.id,
        "category": run.category_id,
        "state": run.state,
        "asked_at": moment(run.asked_at),
        "asked_by": run.asked_by,
        "call_count": run.call_count,
        "done_count": run.done_count,
        "hit_count": run.hit_count,
        "finished_at": moment(run.finished_at),
    }


def legs(told: CdrCall) -> list[dict[str, Any]]:
    """Who was rung, and what came of it, as the call detail records tell."""
    return [
        {
            "at": moment(each.at),
            "caller": each.caller,
            "callee": each.callee,
            "extension": each.extension,
            "application": each.application,
            "outcome": each.outcome,
            "ring_s": each.ring_s,
            "talk_s": each.talk_s,
            "recording": each.recording,
        }
        for each in told.legs
    ]


def cdr_source(source: CdrSource, known: Kept) -> dict[str, Any]:
    """Where a PBX's call detail records are read, and how that goes; the password is never given."""
    return {
        "host": source.host,
        "port": source.port,
        "database": source.database,
        "username": source.username,
        "use_tls": source.use_tls,
        "certificate": source.certificate,
        "is_enabled": source.is_enabled,
        "read_at": moment(source.read_at),
        "next_read_at": moment(source.next_read_at),
        "is_backfilled": source.is_backfilled,
        "backfilled_to": moment(source.backfilled_to),
        "blocked_by": source.blocked_by,
        "error": source.error.as_json() if source.error else None,
        "known_calls": known.count,
        "oldest_at": moment(known.oldest_at),
        "newest_at": moment(known.newest_at),
    }


def coverage_report(found: Report) -> dict[str, Any]:
    """Answered calls without a usable recording."""
    return {
        "total": _figure(found.total),
        "by_extension": [_figure(each) for each in found.by_extension],
        "by_queue": [_figure(each) for each in found.by_queue],
        "by_day": [_figure(each) for each in found.by_day],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "answered": figure.answered,
        "usable": figure.usable,
        "on_its_way": figure.on_its_way,
        "missing": figure.missing,
        "share": figure.share,
        "causes": {cause.value: count for cause, count in figure.gaps.items()},
    }


def gap(entry: Entry) -> dict[str, Any]:
    """One answered call without a usable recording."""
    return {
        "linkedid": entry.linkedid,
        "call_id": entry.call_id,
        "pbx_id": entry.pbx_id,
        "started_at": moment(entry.started_at),
        "direction": entry.direction,
        "caller": entry.caller,
        "caller_name": entry.caller_name,
        "callee": entry.callee,
        "extension": entry.extension,
        "queue_or_group": entry.queue,
        "talk_s": entry.talk_s,
        "cause": entry.coverage.value,
    }


def audio(facts: AudioFacts) -> dict[str, Any]:
    return {
        "format": facts.format,
        "codec": facts.codec,
        "rate_hz": facts.rate_hz,
        "audio_channels": facts.audio_channels,
        "duration_s": facts.duration_s,
        "is_truncated": facts.is_truncated,
        "declared_duration_s": facts.declared_duration_s,
    }


def stage(record: StageRecord) -> dict[str, Any]:
    return {
        "stage": record.stage.value,
        "state": record.state,
        "started_at": moment(record.started_at),
        "finished_at": moment(record.finished_at),
        "error": record.error.as_json() if record.error else None,
    }


def understood(
    transcript: Transcript | None, insight: Insight | None, found: Sequence[Redaction] | None = None
) -> dict[str, Any]:
    """What was said and how it felt; null where that was not (or not yet) found out.

    Args:
        found: what is hidden in the transcript; None to read it from the labels among its words.
    """
    moods = insight.turns if insight else ()
    turns = transcript.turns if transcript else ()
    return {
        "engine": transcript.engine if transcript else None,
        "model": transcript.model if transcript else None,
        "language": transcript.language if transcript else None,
        "is_low_accuracy": transcript.is_low_accuracy if transcript else None,
        "language_from": transcript.language_from if transcript else None,
        "speakers": transcript.speakers if transcript else None,
        "voices": _voices(transcript.voices) if transcript and transcript.voices else None,
        "roles_reason": transcript.roles_reason or None if transcript else None,
        "speech_found_by": transcript.activity or None if transcript else None,
        "non_speech": [_non_speech(each) for each in transcript.non_speech] if transcript else None,
        "turns": [
            turn(each, moods[index] if index < len(moods) else None) for index, each in enumerate(turns)
        ] if transcript else None,
        "sentiment": sentiment(insight.sentiment) if insight else None,
        "metrics": metrics(insight.metrics) if insight and insight.metrics else None,
        "moments": moments(insight) if insight else None,
        "categories": None,
        "redactions": redactions(transcript, found) if transcript else None,
        "versions": insight.versions if insight else None,
    }  # fmt: skip


def redactions(transcript: Transcript, found: Sequence[Redaction] | None = None) -> list[dict[str, Any]]:
    """What is hidden in a transcript: its kind and place, never its words."""
    if found is not None:
        places = [(each.turn, each.kind, each.start_s, each.end_s) for each in found]
    else:
        places = [
            (position, cast("RedactionKind", word.redacted), word.start_s, word.end_s)
            for position, said in enumerate(transcript.turns)
            for word in said.words
            if word.redacted
        ]
    return [
        {"turn": position, "kind": kind, "text": LABELS[kind], "start_s": round(start_s, 2), "end_s": round(end_s, 2)}
        for position, kind, start_s, end_s in places
    ]


def _voices(found: Voices) -> dict[str, Any]:
    """How the voices of a mono recording were told apart, or why not."""
    return {
        "is_accepted": found.is_accepted,
        "is_low_confidence": found.is_low_confidence,
        "similarity": found.similarity,
        "reason": found.reason,
        "method": found.method,
    }


def _non_speech(found: NonSpeech) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "audio_channel": found.audio_channel,
        "start_s": round(found.start_s, 2),
        "end_s": round(found.end_s, 2),
    }


def turn(said: Turn, mood: TurnSentiment | None) -> dict[str, Any]:
    return {
        "speaker": said.speaker,
        "role": said.role,
        "start_s": round(said.start_s, 2),
        "end_s": round(said.end_s, 2),
        "text": said.text,
        "is_understood": said.is_understood,
        "is_corrected": said.is_corrected,
        "loudness": said.loudness,
        "sentiment": _turn_mood(mood) if mood else None,
        "words": [
            {
                "text": word.text,
                "start_s": round(word.start_s, 2),
                "end_s": round(word.end_s, 2),
                "confidence": word.confidence,
            }
            for word in said.words
        ],
    }


def _turn_mood(mood: TurnSentiment) -> dict[str, Any]:
    return {
        "label": mood.label,
        "score": mood.score,
        "evidence": list(mood.evidence),
        "is_corrected": mood.is_corrected,
    }


def mood_correction(said: MoodCorrection) -> dict[str, Any]:
    """What a person said of one turn, as the trainer of the mood reads it."""
    return {**asdict(said), "made_at": moment(said.made_at)}


def sentiment(felt: CallSentiment) -> dict[str, Any]:
    return {
        "score": felt.score,
        "label": felt.label,
        "trend": felt.trend,
        "quarters": list(felt.quarters),
        "parties": felt.parties,
        "is_low_confidence": felt.is_low_confidence,
        "doubts": list(felt.doubts),
        "turning_point": {
            "turn": felt.turning_point_turn,
            "start_s": felt.turning_point_s,
            "change": felt.turning_point_change,
        } if felt.turning_point_turn is not None else None,
        "evidence": {figure: [asdict(each) for each in causes] for figure, causes in felt.evidence.items()},
        "reason": felt.reason,
        "method": felt.method,
        "is_by_rules_alone": felt.is_by_rules_alone,
    }  # fmt: skip


def metrics(found: CallMetrics) -> dict[str, Any]:
    """The figures of a call; null where one cannot be known, and `reasons` says why."""
    return asdict(found)


def moments(found: Insight) -> dict[str, Any]:
    """Key moments and facts of the outcome, each with its turn and second."""
    return {
        "items": [asdict(each) for each in found.moments],
        "reason": found.moments_reason,
        "outcome_facts": [asdict(each) for each in found.outcome_facts],
    }


def version(found: Version) -> dict[str, Any]:
    """One transcript of a call, without its text."""
    return {
        "number": found.number,
        "state": found.state,
        "engine": found.engine,
        "model": found.model,
        "language": found.language,
        "is_low_accuracy": found.is_low_accuracy,
        "made_at": moment(found.made_at),
    }


def correction(made: Correction) -> dict[str, Any]:
    """One change of a line."""
    return {
        "id": made.id,
        "position": made.position,
        "kind": made.kind,
        "before": made.before.text,
        "after": made.after.text,
        "made_by": made.made_by,
        "made_at": moment(made.made_at),
    }


def speech(found: SpeechSettings) -> dict[str, Any]:
    """How calls are transcribed."""
    return {
        "engine": found.engine,
        "language": found.language,
        "rules": [asdict(each) for each in found.rules],
        "understood_from": found.understood_from,
        "unsure_below": found.unsure_below,
        "uses_names": found.uses_names,
        "thresholds": asdict(found.thresholds),
    }


def remote_service(found: RemoteService) -> dict[str, Any]:
    """The remote speech service; its key is never given."""
    known = {name: value for name, value in asdict(found).items() if name != "key"}
    return known | {"has_key": bool(found.key)}


def trial(found: Trial) -> dict[str, Any]:
    """What a remote speech service made of a short sample."""
    return asdict(found) | {"took_s": round(found.took_s, 3)}


def phrase(found: Phrase) -> dict[str, Any]:
    """One name or term of the vocabulary."""
    return {
        "phrase": found.phrase,
        "source": found.source,
        "added_by": found.added_by,
        "added_at": moment(found.added_at),
    }


def accuracy_report(found: Accuracy) -> dict[str, Any]:
    """How well the engines hear, by what people corrected."""
    return {
        "engines": [
            {"engine": each.engine, "model": each.model, "language": each.language, **_measured(each.measured)}
            for each in found.engines
        ],
        "months": [{"month": each.month, **_measured(each.measured)} for each in found.months],
        "mistakes": [{"heard": each.heard, "said": each.said, "count": each.count} for each in found.mistakes],
        "is_cut": found.is_cut,
    }


def _measured(found: Measured) -> dict[str, Any]:
    rate = found.errors.rate
    return {
        "lines": found.lines,
        "confirmed_lines": found.confirmed,
        "words": found.errors.words,
        "word_error_rate": None if rate is None else round(rate, 4),
        "is_rough": found.is_rough,
    }


def rerun(found: Rerun, counts: Mapping[RerunState, int]) -> dict[str, Any]:
    """One wish to transcribe calls again, and how far it is."""
    return {
        "id": found.id,
        "asked_at": moment(found.asked_at),
        "asked_by": found.asked_by,
        "engine": found.engine,
        "language": found.language,
        "is_cancelled": found.is_cancelled,
        "counts": dict(counts),
    }


def figures(found: Figures) -> dict[str, Any]:
    """What is counted of some calls."""
    return asdict(found) | {"is_small": found.is_small}


def group(found: Group) -> dict[str, Any]:
    """The same of one day, extension or queue."""
    return {"name": found.name} | figures(found.figures)


def renewal(found: Renewal) -> dict[str, Any]:
    """One wish to analyse calls again, and how far it is."""
    return {
        "id": found.id,
        "asked_at": moment(found.asked_at),
        "asked_by": found.asked_by,
        "total": found.total,
        "done": found.done,
        "is_cancelled": found.is_cancelled,
        "finished_at": moment(found.finished_at),
    }


def pbx(found: Pbx) -> dict[str, Any]:
    """One PBX, without its password."""
    return {
        "id": found.id,
        "name": found.name,
        "host": found.host,
        "port": found.port,
        "username": found.username,
        "use_tls": found.use_tls,
        "prefix": found.prefix,
        "has_pinned_certificate": found.pinned_certificate is not None,
        "sync_interval_min": found.sync_interval_min,
        "is_enabled": found.is_enabled,
        "is_demo": found.is_demo,
        "next_due_at": moment(found.next_due_at),
        "blocked_by": found.blocked_by,
        "zone": found.zone,
        **wanted(found),
        "downloads_at_once": found.downloads_at_once,
        "backlog_per_min": found.backlog_per_min,
        "is_backlog_paused": found.is_backlog_paused,
        "hears_events": found.hears_events,
    }


def wanted(found: Pbx) -> dict[str, Any]:
    """Which recordings of a PBX are wanted."""
    chosen = found.filters
    return {
        "since": filters.day_of(chosen.since, found.zone).isoformat() if chosen.since else None,
        "directions": None if chosen.directions is None else sorted(chosen.directions),
        "extensions": list(chosen.extensions),
        "skipped_names": list(chosen.skipped_names),
        "min_duration_s": chosen.min_duration_s,
    }


def pbx_status(found: Condition) -> dict[str, Any]:
    """How one PBX is doing."""
    known, window_min = found.pbx, health.PACE_WINDOW / timedelta(minutes=1)
    return {
        "pbx_id": known.id,
        "pbx": known.name,
        "state": found.state,
        "blocked_by": known.blocked_by,
        "next_due_at": moment(known.next_due_at) if known.is_enabled and not known.blocked_by else None,
        "last_sync": sync(found.progress) if found.progress else None,
        "moving": found.moving_count,
        "in_progress": found.live_count,
        "waiting": found.waiting_count,
        "failed": found.failed_count,
        "is_backlog_paused": known.is_backlog_paused,
        "pace": {
            "window_s": health.PACE_WINDOW.total_seconds(),
            "fetched_per_min": round(found.fetched_count / window_min, 2),
            "analysed_per_min": round(found.done_count / window_min, 2),
        },
        "time_left_s": None if found.time_left is None else round(found.time_left.total_seconds()),
        "events": {
            "is_wanted": known.hears_events,
            "state": known.events_state,
            "changed_at": moment(known.events_changed_at),
            "error": known.events_error.as_json() if known.events_error else None,
        },
        "lags": {
            "window_s": condition.LAG_WINDOW.total_seconds(),
            "listed": lag(found.lags.listed),
            "fetched": lag(found.lags.fetched),
            "analysed": lag(found.lags.analysed),
        },
        "causes": [{**each.failure.as_json(), "stage": each.stage, "count": each.count} for each in found.causes],
        "silent_since": moment(found.silent_since),
    }


def lag(found: Lag) -> dict[str, Any]:
    """Seconds from the hang-up; null where no call was measured."""
    return {"count": found.count, "p50_s": found.p50_s, "p95_s": found.p95_s}


def run(found: Sync) -> dict[str, Any]:
    """One sync without its calls, as in a history."""
    return {
        "id": found.id,
        "pbx_id": found.pbx_id,
        "asked_by": found.asked_by,
        "state": found.state,
        "requested_at": moment(found.requested_at),
        "started_at": moment(found.started_at),
        "finished_at": moment(found.finished_at),
        "found": found.found_count,
        "new": found.new_count,
        "skipped": found.skipped_count,
        "list_s": found.list_s,
        "error": found.error.as_json() if found.error else None,
    }


def sync(progress: Progress) -> dict[str, Any]:
    """One sync and how far its calls are."""
    return run(progress.sync) | {
        "is_over": progress.is_over,
        "done": progress.done_count,
        "failed": progress.failed_count,
        "waiting": progress.waiting_count,
        "moving": progress.moving_count,
        "to_fetch": progress.to_fetch_count,
    }
