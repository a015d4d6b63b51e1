"""This file gives calls their JSON shapes: the same from the command line and from the API."""

from datetime import datetime, timedelta, timezone
from typing import Any

from aftercall.model import AudioFacts, CallSentiment, Insight, Transcript, Turn, TurnSentiment
from aftercall.store.calls import CallDetail, CallRow
from aftercall.store.pbxs import Pbx
from aftercall.store.stages import StageRecord
from aftercall.store.syncs import Progress


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
        "sentiment": _call_mood(row),
        "engine": row.engine,
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


def understood(transcript: Transcript | None, insight: Insight | None) -> dict[str, Any]:
    """What was said and how it felt; null where that was not (or not yet) found out."""
    moods = insight.turns if insight else ()
    turns = transcript.turns if transcript else ()
    return {
        "engine": transcript.engine if transcript else None,
        "model": transcript.model if transcript else None,
        "language": transcript.language if transcript else None,
        "is_low_accuracy": transcript.is_low_accuracy if transcript else None,
        "speakers": transcript.speakers if transcript else None,
        "turns": [
            turn(each, moods[index] if index < len(moods) else None) for index, each in enumerate(turns)
        ] if transcript else None,
        "sentiment": sentiment(insight.sentiment) if insight else None,
        "metrics": None,
        "moments": None,
        "categories": None,
        "redactions": None,
    }  # fmt: skip


def turn(said: Turn, mood: TurnSentiment | None) -> dict[str, Any]:
    return {
        "speaker": said.speaker,
        "role": said.role,
        "start_s": round(said.start_s, 2),
        "end_s": round(said.end_s, 2),
        "text": said.text,
        "sentiment": {"label": mood.label, "score": mood.score, "evidence": list(mood.evidence)} if mood else None,
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


def sentiment(felt: CallSentiment) -> dict[str, Any]:
    return {
        "score": felt.score,
        "label": felt.label,
        "trend": felt.trend,
        "quarters": list(felt.quarters),
        "parties": felt.parties,
        "is_low_confidence": felt.is_low_confidence,
        "reason": felt.reason,
        "method": felt.method,
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
    }


def sync(progress: Progress) -> dict[str, Any]:
    """One sync and how far its calls are."""
    run = progress.sync
    return {
        "id": run.id,
        "pbx_id": run.pbx_id,
        "asked_by": run.asked_by,
        "state": run.state,
        "is_over": progress.is_over,
        "requested_at": moment(run.requested_at),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "found": run.found_count,
        "new": run.new_count,
        "done": progress.done_count,
        "failed": progress.failed_count,
        "waiting": progress.waiting_count,
        "moving": progress.moving_count,
        "error": run.error.as_json() if run.error else None,
    }
