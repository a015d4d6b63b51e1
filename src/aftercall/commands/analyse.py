"""This file is `aftercall analyse`: local files or transcripts through the analysis, without a PBX or a database."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aftercall.errors import AppError, FormInvalid
from aftercall.insight import redaction
from aftercall.insight.whole import InsightSettings, understand
from aftercall.jobs.listening import Sound, look_at, transcribe
from aftercall.jobs.pool import Workers
from aftercall.model import CallFacts, Role, Transcript, Turn, Word
from aftercall.pbx import names
from aftercall.settings import Settings
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit, RemoteService
from aftercall.speech.engine import language as spoken
from aftercall.speech.recognise import Circumstances
from aftercall.store import shapes
from aftercall.store.stages import Failure

Line = dict[str, Any]


def of_files(
    files: Sequence[Path],
    settings: Settings,
    *,
    engine: str,
    language: str | None,
    workers: int,
    remote: RemoteService | None = None,
    shows_redacted: bool = False,
) -> Iterator[Line]:
    """Analyse audio files; a file that cannot be analysed gives a line with its error.

    Args:
        shows_redacted: leave cards, numbers and addresses readable.
    Raises:
        EngineError: the engine or the language is not there.
    """
    hints = Hints(language=language)
    outfit = Outfit(models=settings.models_folder, threads=workers, remote=remote)
    chosen = plugins.resolve(engine, outfit, language=language)
    spoken(plugins.load(chosen, outfit), hints)
    pool = Workers(workers)
    try:
        for file in files:
            try:
                yield _of_file(pool, file, chosen, outfit, hints, shows_redacted=shows_redacted)
            except AppError as error:
                yield {"file": str(file), "error": Failure.of(error).as_json()}
    finally:
        pool.close()


def _of_file(workers: Workers, file: Path, choice: str, outfit: Outfit, hints: Hints, *, shows_redacted: bool) -> Line:
    if not file.is_file():
        raise FormInvalid(field="FILE", problem=f"there is no file {file}.")
    sound = Sound(path=file, name=file.name)
    told = names.parse(file.name)
    direction = told.direction
    began = time.perf_counter()
    look = workers.many.run(look_at, sound)
    decoded = time.perf_counter()
    transcript = transcribe(
        workers,
        sound,
        choice=choice,
        outfit=outfit,
        hints=hints,
        circumstances=Circumstances(direction=direction),
    )
    heard = time.perf_counter()
    found = redaction.find(transcript)
    transcript = transcript if shows_redacted else redaction.mask(transcript, found)
    facts = CallFacts(
        direction=direction,
        duration_s=look.facts.duration_s,
        started_at=told.started_at,
        utc_offset_min=told.utc_offset_min,
        audio_channels=look.facts.audio_channels,
    )
    insight = workers.many.run(understand, transcript, facts, InsightSettings(models=outfit.models))
    ended = time.perf_counter()
    return {
        "file": str(file),
        "duration_s": round(look.facts.duration_s, 3),
        "direction": direction,
        "audio": shapes.audio(look.facts),
        **shapes.understood(transcript, insight, found),
        "timings": {
            "decode_s": round(decoded - began, 3),
            "transcribe_s": round(heard - decoded, 3),
            "analyse_s": round(ended - heard, 3),
        },
    }


def of_transcripts(lines: Iterable[str], *, language: str, shows_redacted: bool = False) -> Iterator[Line]:
    """Analyse transcripts given as JSON lines: {"direction", "turns": [{"speaker" or "role", "text", ...}]}."""
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            given = json.loads(text)
            transcript = _transcript(given, number, language)
        except ValueError:
            error = FormInvalid(field=f"Line {number}", problem="is not JSON.")
            yield {"line": number, "error": Failure.of(error).as_json()}
            continue
        except FormInvalid as error:
            yield {"line": number, "error": Failure.of(error).as_json()}
            continue
        began = time.perf_counter()
        found = redaction.find(transcript)
        transcript = transcript if shows_redacted else redaction.mask(transcript, found)
        facts = CallFacts(direction=given.get("direction") or "unknown")
        insight = understand(transcript, facts, InsightSettings())
        yield {
            "file": None,
            "duration_s": None,
            "direction": given.get("direction"),
            **shapes.understood(transcript, insight, found),
            "timings": {"analyse_s": round(time.perf_counter() - began, 3)},
        }


def _transcript(given: Any, number: int, language: str) -> Transcript:
    turns = given.get("turns") if isinstance(given, dict) else None
    if not isinstance(turns, list) or not all(isinstance(each, dict) for each in turns):
        raise FormInvalid(field=f"Line {number}", problem='must be {"turns": [{"speaker" or "role", "text"}]}.')
    made = tuple(_turn(each, index, number) for index, each in enumerate(turns))
    speakers = {turn.speaker for turn in made}
    return Transcript(
        engine="given",
        model="none",
        language=str(given.get("language") or language),
        speakers="not separated" if speakers <= {"unknown"} else "separated",
        turns=made,
        has_times=all("start_s" in each and "end_s" in each for each in turns),
    )


def _turn(given: dict[str, Any], index: int, number: int) -> Turn:
    role: Role | None = given.get("role") if given.get("role") in {"agent", "customer"} else None
    text = given.get("text")
    if not isinstance(text, str):
        raise FormInvalid(field=f"Line {number}", problem=f"turn {index + 1} has no text.")
    # Without times the turns' order stands in, a second each.
    start_s = _number(given.get("start_s"), float(index))
    return Turn(
        speaker=str(given.get("speaker") or {"agent": "A", "customer": "B"}.get(role or "", "unknown")),
        role=role,
        start_s=start_s,
        end_s=_number(given.get("end_s"), start_s + 1.0),
        text=text,
        words=tuple(_words(given.get("words"))),
    )


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def _words(given: object) -> Iterator[Word]:
    for each in given if isinstance(given, list) else []:
        if isinstance(each, dict) and isinstance(each.get("text"), str):
            start_s = _number(each.get("start_s"), 0.0)
            yield Word(
                text=each["text"],
                start_s=start_s,
                end_s=_number(each.get("end_s"), start_s),
                confidence=each.get("confidence"),
            )
