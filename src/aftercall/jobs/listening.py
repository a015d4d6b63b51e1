"""This file has worker processes decode and recognise one recording; what passes between processes is small.

Workers import it, so it imports no more than they need: the database alone would cost each half a second.
"""

from dataclasses import dataclass
from pathlib import Path

from aftercall.audio.decode import decode
from aftercall.audio.peaks import peaks
from aftercall.audio.turn_levels import with_loudness
from aftercall.errors import EngineDied, ModelDamaged
from aftercall.jobs.pool import CpuPool, Workers
from aftercall.model import Audio, AudioFacts, Transcript, Utterance
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit, SpeechEngine
from aftercall.speech.portions import Portion, merge, share_out
from aftercall.speech.recognise import Circumstances, Manner, Plan, hear, plan, write


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A recording's file, and what is known of its format."""

    path: Path
    #: The recording's name, whose extension tells headerless formats apart.
    name: str = ""
    #: As the PBX sent it.
    content_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known of a recording without listening to it."""

    facts: AudioFacts
    #: For the waveform: per audio channel, 0 to 1.
    peaks: list[list[float]]


# ---- in the worker processes -------------------------------------------------------------------------------------

#: The recogniser of this process with what it was made of: its weights are loaded once.
_loaded: dict[tuple[str, Outfit], SpeechEngine] = {}


def look_at(sound: Sound) -> Look:
    """Decode a recording for its facts and its waveform.

    Raises:
        AudioError: as the decoder raises it.
    """
    audio, facts = _decoded(sound)
    return Look(facts=facts, peaks=peaks(audio))


def plan_listening(sound: Sound, manner: Manner) -> Plan:
    """Find where somebody speaks, and who."""
    return plan(_decoded(sound)[0], manner)


def write_down(  # noqa: PLR0917 - the pool hands arguments over by their places
    sound: Sound,
    planned: Plan,
    heard: list[Utterance],
    choice: str,
    outfit: Outfit,
    hints: Hints,
    manner: Manner,
    circumstances: Circumstances,
) -> Transcript:
    """Make the transcript; finding out a language takes tables that the process which waits need not hold."""
    engine = plugins.load(choice, outfit)
    made = write(planned, heard, engine, hints, manner=manner, circumstances=circumstances)
    return with_loudness(made, _decoded(sound)[0]) if made.turns else made


def warm_up(choice: str, outfit: Outfit) -> None:
    """Load an engine's weights and try them, once for each process."""
    if (choice, outfit) not in _loaded:
        engine = plugins.load(choice, outfit)
        engine.warm_up()
        _loaded[choice, outfit] = engine


def listen(sound: Sound, portions: list[Portion], choice: str, outfit: Outfit, hints: Hints) -> list[Utterance]:
    """Recognise some portions of a recording."""
    if (choice, outfit) not in _loaded:
        _loaded[choice, outfit] = plugins.load(choice, outfit)
    return hear(_decoded(sound)[0], portions, _loaded[choice, outfit], hints)


def _decoded(sound: Sound) -> tuple[Audio, AudioFacts]:
    return decode(sound.path, name_hint=sound.name, content_type=sound.content_type)


# ---- in the process that waits ------------------------------------------------------------------------------------


def transcribe(
    workers: Workers,
    sound: Sound,
    *,
    choice: str,
    outfit: Outfit,
    hints: Hints,
    manner: Manner | None = None,
    circumstances: Circumstances | None = None,
) -> Transcript:
    """Transcribe a recording, on as many worker processes as the engine can use.

    Raises:
        AudioError, EngineError: as the decoder and the engine raise them.
        EngineDied: a worker ended.
    """
    choice = plugins.resolve(choice, outfit, language=hints.language)
    engine = plugins.load(choice, outfit)
    manner = manner or Manner(models=outfit.models)
    planned = workers.many.run(plan_listening, sound, manner)
    pool = workers.many
    if planned.portions and engine.processes == "one":
        pool = workers.one
        _try(pool, choice, outfit, engine)
    shares = share_out(planned.portions, pool.workers)
    heard = pool.run_all(listen, [((sound, share, choice, outfit, hints), {}) for share in shares])
    known = circumstances or Circumstances()
    return workers.many.run(write_down, sound, planned, merge(heard), choice, outfit, hints, manner, known)


def _try(pool: CpuPool, choice: str, outfit: Outfit, engine: SpeechEngine) -> None:
    """A model of the wrong shape ends the process that loads it: then it is the model, not the call, that is bad.

    Raises:
        ModelDamaged: it cannot be used.
    """
    try:
        pool.run(warm_up, choice, outfit)
    except EngineDied as exc:
        raise ModelDamaged(model=engine.model, detail="the process that loaded it ended at once") from exc
