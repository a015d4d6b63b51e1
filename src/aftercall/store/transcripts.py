"""This file remembers the transcript of each call: the present one, the older ones, and those nobody accepted yet.

Whatever is written here is masked first, as the policy says, so that pages, search, exports and the API cannot show it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aftercall.insight import redaction
from aftercall.model import NonSpeech, SpeechSpan, Transcript, Turn, Voices, VoiceSpan, Word
from aftercall.store import redaction_settings
from aftercall.store.tables import call, insight, transcript, transcript_version


@dataclass(frozen=True, kw_only=True)
class Version:
    """One of a call's transcripts, without its text."""

    number: int
    #: `present`, `old` or `candidate`.
    state: str
    engine: str
    model: str
    language: str
    is_low_accuracy: bool
    made_at: datetime
    rerun_id: str | None


def put(db: sa.Connection, call_id: str, made: Transcript, now: datetime) -> None:
    """Store the transcript of a call and keep the one before as an old version.

    The search index follows by its triggers. Storing the same transcript twice leaves one version, so a step may run
    twice.
    """
    made = masked(db, made)
    before = of_call(db, call_id)
    if before is not None and (before.engine, before.model, before.turns) == (
        made.engine,
        made.model,
        _kept(made).turns,
    ):
        change(db, call_id, made)
        return
    _put_aside(db, call_id)
    _write(db, call_id, made, now)


def change(db: sa.Connection, call_id: str, changed: Transcript) -> None:
    """Change the present transcript without making a version; the search index follows by its triggers."""
    changed = masked(db, changed)
    db.execute(
        transcript.update().where(transcript.c.call_id == call_id).values(**_columns(changed), text=_text(changed))
    )
    _tell_call(db, call_id, changed)


def masked(db: sa.Connection, made: Transcript) -> Transcript:
    """A transcript as it may be stored: without what the policy hides."""
    known = redaction.with_labels(made)
    return redaction.mask(known, redaction.find(known), redaction_settings.load(db).masked)


def of_call(db: sa.Connection, call_id: str) -> Transcript | None:
    """The present transcript."""
    row = db.execute(sa.select(transcript).where(transcript.c.call_id == call_id)).mappings().first()
    return _transcript(row) if row else None


def present_version(db: sa.Connection, call_id: str) -> int:
    """The number of the present transcript; 0 if there is none."""
    return db.scalar(sa.select(transcript.c.version).where(transcript.c.call_id == call_id)) or 0


# ---- versions ---------------------------------------------------------------------------------------------------


def versions(db: sa.Connection, call_id: str) -> list[Version]:
    """All of a call's transcripts, the present one first, then by number from the newest."""
    present = sa.select(
        sa.literal("present").label("state"), sa.null().label("rerun_id"), *(transcript.c[name] for name in _LISTED)
    ).where(transcript.c.call_id == call_id)
    others = (
        sa.select(
            transcript_version.c.state,
            transcript_version.c.rerun_id,
            *(transcript_version.c[name] for name in _LISTED),
        )
        .where(transcript_version.c.call_id == call_id)
        .order_by(transcript_version.c.version.desc())
    )
    return [
        Version(
            number=row.version,
            state=row.state,
            engine=row.engine,
            model=row.model,
            language=row.language,
            is_low_accuracy=row.is_low_accuracy,
            made_at=row.made_at,
            rerun_id=row.rerun_id,
        )
        for statement in (present, others)
        for row in db.execute(statement)
    ]


def of_version(db: sa.Connection, call_id: str, number: int) -> Transcript | None:
    """One of a call's transcripts by its number, the present one too."""
    if number == present_version(db, call_id):
        return of_call(db, call_id)
    wanted = (transcript_version.c.call_id == call_id) & (transcript_version.c.version == number)
    row = db.execute(sa.select(transcript_version).where(wanted)).mappings().first()
    return _transcript(row) if row else None


def put_candidate(db: sa.Connection, call_id: str, made: Transcript, *, rerun_id: str, now: datetime) -> int:
    """Store a transcript that a person has to accept first, in place of an earlier one of the same rerun.

    Returns:
        Its version number.
    """
    made = masked(db, made)
    discard_candidates(db, call_id, rerun_id=rerun_id)
    number = _next_version(db, call_id)
    db.execute(
        transcript_version.insert().values(
            call_id=call_id, version=number, state="candidate", rerun_id=rerun_id, made_at=now, **_columns(made)
        )
    )
    return number


def candidate(db: sa.Connection, call_id: str, rerun_id: str) -> int | None:
    """The version number of what a rerun made of a call, while nobody has accepted or discarded it."""
    return db.scalar(sa.select(transcript_version.c.version).where(_of_rerun(call_id, rerun_id)))


def rerun_of(db: sa.Connection, call_id: str, number: int) -> str | None:
    """The rerun that made a version which nobody has accepted yet; None for any other version."""
    return db.scalar(
        sa.select(transcript_version.c.rerun_id).where(
            transcript_version.c.call_id == call_id,
            transcript_version.c.version == number,
            transcript_version.c.state == "candidate",
        )
    )


def discard_candidates(db: sa.Connection, call_id: str, *, rerun_id: str) -> None:
    db.execute(transcript_version.delete().where(_of_rerun(call_id, rerun_id)))


def make_present(db: sa.Connection, call_id: str, number: int) -> Transcript | None:
    """Let a version take the place of the present transcript, which becomes an old version; both keep their numbers.

    Returns:
        The transcript that is present now; None if there is no such version.
    """
    wanted = (transcript_version.c.call_id == call_id) & (transcript_version.c.version == number)
    row = db.execute(sa.select(transcript_version).where(wanted)).mappings().first()
    if row is None:
        return of_call(db, call_id) if number == present_version(db, call_id) else None
    made = _transcript(row)
    _put_aside(db, call_id)
    db.execute(transcript_version.delete().where(wanted))
    _write(db, call_id, made, row["made_at"], number=number)
    return made


_LISTED = ("version", "engine", "model", "language", "is_low_accuracy", "made_at")


def _of_rerun(call_id: str, rerun_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        transcript_version.c.call_id == call_id,
        transcript_version.c.state == "candidate",
        transcript_version.c.rerun_id == rerun_id,
    )


def _put_aside(db: sa.Connection, call_id: str) -> None:
    """The present transcript becomes an old version."""
    row = db.execute(sa.select(transcript).where(transcript.c.call_id == call_id)).mappings().first()
    if row is None:
        return
    kept = {name: row[name] for name in row if name not in {"sort_key", "text"}}
    db.execute(transcript_version.insert().values(**kept, state="old"))
    db.execute(transcript.delete().where(transcript.c.call_id == call_id))


def _write(db: sa.Connection, call_id: str, made: Transcript, made_at: datetime, *, number: int | None = None) -> None:
    db.execute(
        transcript.insert().values(
            sort_key=db.scalar(sa.select(call.c.sort_key).where(call.c.id == call_id)),
            call_id=call_id,
            version=number or _next_version(db, call_id),
            text=_text(made),
            made_at=made_at,
            **_columns(made),
        )
    )
    _tell_call(db, call_id, made)


def _tell_call(db: sa.Connection, call_id: str, made: Transcript) -> None:
    """What the list shows of a transcript; what was understood of another one holds no longer."""
    shown = {"engine": made.engine, "is_low_accuracy": made.is_low_accuracy, "language": made.language}
    db.execute(call.update().where(call.c.id == call_id).values(**shown))
    db.execute(insight.update().where(insight.c.call_id == call_id).values(is_stale=True))


def _next_version(db: sa.Connection, call_id: str) -> int:
    newest = db.scalar(
        sa.select(sa.func.max(transcript_version.c.version)).where(transcript_version.c.call_id == call_id)
    )
    return max(newest or 0, present_version(db, call_id)) + 1


# ---- as it is stored --------------------------------------------------------------------------------------------


def _text(made: Transcript) -> str:
    return "\n".join(turn.text for turn in made.turns)


def _kept(made: Transcript) -> Transcript:
    """A transcript as it comes back from the store, its times rounded."""
    return _transcript({**_columns(made)})


def _columns(made: Transcript) -> dict[str, Any]:
    return {
        "turns": [turn_as_json(turn) for turn in made.turns],
        "engine": made.engine,
        "model": made.model,
        "language": made.language,
        "speakers": made.speakers,
        "is_low_accuracy": made.is_low_accuracy,
        "facts": {
            "non_speech": [asdict(each) for each in made.non_speech],
            "activity": made.activity,
            "voices": asdict(made.voices) if made.voices else None,
            "language_from": made.language_from,
            "roles_reason": made.roles_reason,
            "speech": [[each.audio_channel, round(each.start_s, 3), round(each.end_s, 3)] for each in made.speech],
            "has_times": made.has_times,
        },
    }


def _transcript(row: sa.RowMapping | Mapping[str, Any]) -> Transcript:
    # A transcript of an earlier release has no facts.
    facts = row["facts"] or {}
    voices = facts.get("voices")
    return Transcript(
        engine=row["engine"],
        model=row["model"],
        language=row["language"],
        speakers=row["speakers"],
        turns=tuple(turn_from_json(each) for each in row["turns"]),
        is_low_accuracy=row["is_low_accuracy"],
        non_speech=tuple(NonSpeech(**each) for each in facts.get("non_speech", ())),
        activity=facts.get("activity", ""),
        voices=Voices(**{**voices, "spans": tuple(VoiceSpan(**each) for each in voices["spans"])}) if voices else None,
        language_from=facts.get("language_from", "assumed"),
        roles_reason=facts.get("roles_reason", ""),
        speech=tuple(
            SpeechSpan(audio_channel=channel, start_s=start_s, end_s=end_s)
            for channel, start_s, end_s in facts.get("speech", ())
        ),
        has_times=facts.get("has_times", True),
    )


def turn_as_json(turn: Turn) -> dict[str, Any]:
    # Words as short lists: they are most of the row.
    words = [
        [
            word.text,
            round(word.start_s, 2),
            round(word.end_s, 2),
            word.confidence,
            *([word.redacted] if word.redacted else []),
        ]
        for word in turn.words
    ]
    return {**asdict(turn), "words": words}


def turn_from_json(stored: Mapping[str, Any]) -> Turn:
    words = tuple(
        Word(text=text, start_s=start_s, end_s=end_s, confidence=confidence, redacted=redacted[0] if redacted else None)
        for text, start_s, end_s, confidence, *redacted in stored["words"]
    )
    return Turn(**{**stored, "words": words})
