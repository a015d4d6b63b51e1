"""This file has worker processes decode and recognise one recording; what passes between processes is small."""

from dataclasses import dataclass
from pathlib import Path

from aftercall.audio.decode import decode
from aftercall.audio.peaks import peaks
from aftercall.jobs.pool import CpuPool
from aftercall.model import Audio, AudioFacts, Transcript, Utterance
from aftercall.speech import engine as engines
from aftercall.speech.engine import Hints, SpeechEngine
from aftercall.speech.portions import Portion, merge, share_out
from aftercall.speech.recognise import Plan, hear, plan, write


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

#: The recogniser of this process: its weights are loaded once.
_loaded: dict[str, SpeechEngine] = {}


def look_at(sound: Sound) -> Look:
    """Decode a recording for its facts and its waveform.

    Raises:
        AudioError: as the decoder raises it.
    """
    audio, facts = _decoded(sound)
    return Look(facts=facts, peaks=peaks(audio))


def plan_listening(sound: Sound) -> Plan:
    """Find where somebody speaks."""
    return plan(_decoded(sound)[0])


def listen(sound: Sound, portions: list[Portion], engine: str, hints: Hints) -> list[Utterance]:
    """Recognise some portions of a recording."""
    if engine not in _loaded:
        _loaded[engine] = engines.load(engine)
    return hear(_decoded(sound)[0], portions, _loaded[engine], hints)


def _decoded(sound: Sound) -> tuple[Audio, AudioFacts]:
    return decode(sound.path, name_hint=sound.name, content_type=sound.content_type)


# ---- in the process that waits ------------------------------------------------------------------------------------


def transcribe(pool: CpuPool, sound: Sound, *, engine: str, hints: Hints) -> Transcript:
    """Transcribe a recording on all workers of the pool at once.

    Raises:
        AudioError, EngineError: as the decoder and the engine raise them.
        EngineDied: a worker ended.
    """
    chosen = engines.load(engine)
    planned = pool.run(plan_listening, sound)
    shares = share_out(planned.portions, pool.workers)
    heard = pool.run_all(listen, [((sound, share, chosen.name, hints), {}) for share in shares])
    return write(planned, merge(heard), chosen, hints)
