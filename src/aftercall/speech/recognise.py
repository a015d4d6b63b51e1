"""This file turns decoded sound into a transcript: what is speech, who speaks, words, language, turns.

`recognise` does it all in one process. To share a call between processes: `plan` in one worker, `share_out` (pure),
`hear` in each worker, `merge` (pure), `write` (pure). All that goes in and comes out can be pickled.

`plan` and `hear` are CPU work and belong into worker processes; engines may hold the interpreter's lock for seconds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from aftercall.audio.activity import Activity, find_speech
from aftercall.audio.bleed import without_bleed
from aftercall.audio.channels import listen_to
from aftercall.audio.tones import SHORTEST_SILENCE_S, non_speech
from aftercall.audio.turn_levels import with_loudness
from aftercall.model import (
    Audio,
    Direction,
    NonSpeech,
    Role,
    Samples,
    Span,
    SpeakerSeparation,
    SpeechSpan,
    Transcript,
    Utterance,
    Voices,
    Word,
)
from aftercall.speech.diarization import find_models
from aftercall.speech.engine import Hints, SpeechEngine
from aftercall.speech.language import settle
from aftercall.speech.portions import Portion
from aftercall.speech.roles import decide
from aftercall.speech.speakers import SpeakerThresholds, separate
from aftercall.speech.turns import turns, with_roles
from aftercall.speech.voice_vectors import find_weights

#: Word times may drift a little; farther from all speech than this a word was imagined.
DRIFT_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to listen and to write."""

    #: Where weights are looked for that are in no package.
    models: Path | None = None
    thresholds: SpeakerThresholds = field(default_factory=SpeakerThresholds)
    #: A turn whose words the engine trusts less, 0 to 1, was not understood; None to write down everything.
    understood_from: float | None = None


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is known of a call before anybody listens."""

    direction: Direction = "unknown"
    #: The speaker who is known to have dialled, on stereo.
    caller: str | None = None
    #: What a person has said of the speakers; it wins.
    chosen: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where there is something to listen to, and what else there is."""

    #: Each audio channel holds one party.
    channels_are_parties: bool
    portions: tuple[Portion, ...]
    non_speech: tuple[NonSpeech, ...] = ()
    #: What found the speech.
    activity: str = ""
    #: Who speaks when in one audio channel that holds both parties; None on stereo.
    voices: Voices | None = None

    @property
    def speech_s(self) -> float:
        return sum(portion.speech_s for portion in self.portions)


def recognise(
    audio: Audio,
    engine: SpeechEngine,
    hints: Hints,
    *,
    manner: Manner | None = None,
    circumstances: Circumstances | None = None,
) -> Transcript:
    """Transcribe a recording in this process.

    Returns:
        The transcript; without turns if nobody speaks or nothing was understood.
    Raises:
        EngineError: as the engine raises it.
    """
    manner = manner or Manner()
    planned = plan(audio, manner)
    heard = hear(audio, planned.portions, engine, hints)
    made = write(planned, heard, engine, hints, manner=manner, circumstances=circumstances)
    return with_loudness(made, audio)


def plan(audio: Audio, manner: Manner | None = None) -> Plan:
    """Decide which audio channels to listen to, where in each somebody speaks, and on mono who."""
    manner = manner or Manner()
    listening = listen_to(audio)
    chosen = {channel: audio.samples[channel] for channel in listening.audio_channels}
    sounds = {n: non_speech(samples, audio.rate_hz, audio_channel=n) for n, samples in chosen.items()}
    found = {n: _speech(samples, audio.rate_hz, sounds[n], manner) for n, samples in chosen.items()}
    spans: list[tuple[Span, ...]] = [each.spans for each in found.values()]
    if listening.channels_are_parties:
        left, right = chosen.values()
        spans = without_bleed(spans, left, right, audio.rate_hz)
    portions = [Portion(audio_channel=n, spans=each) for n, each in zip(found, spans, strict=True) if each]
    voices = None
    if not listening.channels_are_parties:
        (only,) = found
        voices = separate(
            chosen[only],
            audio.rate_hz,
            found[only].regions,
            manner.thresholds,
            weights=find_weights(manner.models),
            diarization=find_models(manner.models),
        )
    return Plan(
        channels_are_parties=listening.channels_are_parties,
        portions=tuple(portions),
        non_speech=tuple(sorted(_together(sounds), key=lambda each: (each.start_s, each.audio_channel))),
        activity=next(iter(found.values())).method,
        voices=voices,
    )


def _speech(samples: Samples, rate_hz: int, sounds: Iterable[NonSpeech], manner: Manner) -> Activity:
    # Silence is found by the level alone; where speech is softer than that, the speech is right.
    without = [Span(start_s=each.start_s, end_s=each.end_s) for each in sounds if each.kind != "silence"]
    return find_speech(samples, rate_hz, without=without, models=manner.models)


def _together(sounds: Mapping[int, Sequence[NonSpeech]]) -> Iterator[NonSpeech]:
    """What is no speech, of all audio channels; one party is silent while the other talks, so silence is of both."""
    for each in sounds.values():
        yield from (one for one in each if one.kind != "silence")
    quiet = [[(each.start_s, each.end_s) for each in one if each.kind == "silence"] for one in sounds.values()]
    shared = quiet[0]
    for other in quiet[1:]:
        both = [(max(a, c), min(b, d)) for a, b in shared for c, d in other]
        shared = [(start_s, end_s) for start_s, end_s in both if end_s - start_s >= SHORTEST_SILENCE_S]
    yield from (
        NonSpeech(kind="silence", audio_channel=next(iter(sounds)), start_s=start_s, end_s=end_s)
        for start_s, end_s in shared
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
    manner: Manner | None = None,
    circumstances: Circumstances | None = None,
) -> Transcript:
    """Make the transcript of what was heard; the engine is asked for its labels only.

    Words that lie in no stretch of speech are left out: engines imagine some in silence.
    """
    manner, known = manner or Manner(), circumstances or Circumstances()
    heard = _within(plan, utterances)
    language, language_from = settle(heard, hints.language, engine)
    said = turns(
        heard,
        channels_are_parties=plan.channels_are_parties,
        voices=plan.voices,
        understood_from=manner.understood_from,
        adds_sentences=not engine.writes_sentences,
        language=language,
    )
    decision = decide(said, known.direction, caller=known.caller, language=language, chosen=known.chosen)
    return Transcript(
        engine=engine.name,
        model=engine.model,
        language=language,
        speakers=_separation(plan),
        turns=with_roles(said, decision.roles),
        is_low_accuracy=engine.is_low_accuracy,
        non_speech=plan.non_speech,
        activity=plan.activity,
        voices=plan.voices,
        roles_reason=decision.reason,
        language_from=language_from,
        speech=tuple(
            SpeechSpan(audio_channel=portion.audio_channel, start_s=span.start_s, end_s=span.end_s)
            for portion in plan.portions
            for span in portion.spans
        ),
    )


def _separation(plan: Plan) -> SpeakerSeparation:
    if plan.channels_are_parties:
        return "stereo"
    return "separated" if plan.voices is not None and plan.voices.is_accepted else "not separated"


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
