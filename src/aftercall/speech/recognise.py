"""This file turns decoded sound into a transcript: channels, spans, words, turns.

`recognise` does it all in one process. To share a call between processes: `plan` in one worker, `share_out` (pure),
`hear` in each worker, `merge` (pure), `write` (pure). All that goes in and comes out can be pickled.

`plan` and `hear` are CPU work and belong into worker processes; engines may hold the interpreter's lock for seconds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aftercall.audio.activity import find_speech
from aftercall.audio.channels import listen_to
from aftercall.model import Audio, Role, Span, Transcript, Utterance, Word
from aftercall.speech.engine import Hints, SpeechEngine
from aftercall.speech.language import settle
from aftercall.speech.portions import Portion
from aftercall.speech.turns import turns

#: Word times may drift a little; farther from all speech than this a word was imagined.
DRIFT_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where there is something to listen to."""

    #: Each audio channel holds one party.
    channels_are_parties: bool
    portions: tuple[Portion, ...]

    @property
    def speech_s(self) -> float:
        return sum(portion.speech_s for portion in self.portions)


def recognise(
    audio: Audio, engine: SpeechEngine, hints: Hints, *, roles: Mapping[str, Role | None] | None = None
) -> Transcript:
    """Transcribe a recording in this process.

    Args:
        roles: the role of speakers `A` and `B`, where it is known.
    Returns:
        The transcript; without turns if nobody speaks or nothing was understood.
    Raises:
        EngineError: as the engine raises it.
    """
    planned = plan(audio)
    return write(planned, hear(audio, planned.portions, engine, hints), engine, hints, roles=roles)


def plan(audio: Audio) -> Plan:
    """Decide which audio channels to listen to, and where in each somebody speaks."""
    listening = listen_to(audio)
    spans = {channel: find_speech(audio.samples[channel], audio.rate_hz).spans for channel in listening.audio_channels}
    return Plan(
        channels_are_parties=listening.channels_are_parties,
        portions=tuple(Portion(audio_channel=channel, spans=tuple(each)) for channel, each in spans.items() if each),
    )


def hear(audio: Audio, portions: Iterable[Portion], engine: SpeechEngine, hints: Hints) -> list[Utterance]:
    """Recognise some portions of a recording.

    Raises:
        EngineError: as the engine raises it.
    """
    return [
        utterance
        for portion in portions
        for utterance in engine.transcribe(
            audio.samples[portion.audio_channel],
            audio.rate_hz,
            portion.spans,
            hints,
            audio_channel=portion.audio_channel,
        )
    ]


def write(
    plan: Plan,
    utterances: Iterable[Utterance],
    engine: SpeechEngine,
    hints: Hints,
    *,
    roles: Mapping[str, Role | None] | None = None,
    understood_from: float | None = None,
) -> Transcript:
    """Make the transcript of what was heard; the engine is asked for its labels only.

    Words that lie in no stretch of speech are left out: engines imagine some in silence.
    """
    heard = _within(plan, utterances)
    language, language_from = settle(heard, hints.language, engine)
    said = turns(
        heard,
        channels_are_parties=plan.channels_are_parties,
        roles=roles,
        understood_from=understood_from,
        adds_sentences=not engine.writes_sentences,
        language=language,
    )
    return Transcript(
        engine=engine.name,
        model=engine.model,
        language=language,
        speakers="stereo" if plan.channels_are_parties else "not separated",
        turns=tuple(said),
        is_low_accuracy=engine.is_low_accuracy,
        language_from=language_from,
    )


def _within(plan: Plan, utterances: Iterable[Utterance]) -> list[Utterance]:
    spans = {portion.audio_channel: portion.spans for portion in plan.portions}
    return [
        replace(
            utterance,
            words=tuple(word for word in utterance.words if _is_in(word, spans.get(utterance.audio_channel, ()))),
        )
        for utterance in utterances
    ]


def _is_in(word: Word, spans: tuple[Span, ...]) -> bool:
    """Whether a word's middle lies in or close to one of the spans, which are in order and apart."""
    middle_s = (word.start_s + word.end_s) / 2
    last = bisect_right(spans, middle_s + DRIFT_S, key=lambda span: span.start_s)
    return last > 0 and middle_s - DRIFT_S <= spans[last - 1].end_s
