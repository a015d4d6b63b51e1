"""This file holds the shared words: frozen dataclasses without behaviour; it imports nothing of ours.

Units ride in the names; datetimes are aware UTC and end in `_at`; times inside a recording are seconds from its start.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Direction = Literal["inbound", "outbound", "internal", "conference", "unknown"]
Samples = npt.NDArray[np.float32]


# ---- PBX --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PbxAddress:
    """Where and as whom to reach one PBX; everything the ARI client needs."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    use_tls: bool = False
    #: HTTP prefix of Asterisk's http.conf without slashes, "" for none.
    prefix: str = ""
    #: PEM of a certificate trusted by its fingerprint, None to use the system's authorities.
    pinned_certificate: str | None = None


@dataclass(frozen=True, kw_only=True)
class CdrAddress:
    """Where and as whom to read one PBX's call detail records."""

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    use_tls: bool = False
    #: PEM of a certificate trusted by its fingerprint, None to use the system's authorities.
    certificate: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListedRecording:
    """One entry of the PBX's list; the format is a hint only, the download tells the truth."""

    name: str
    format: str


@dataclass(frozen=True, kw_only=True)
class PbxInfo:
    """What Asterisk says about itself."""

    version: str
    entity_id: str
    startup_time: str = ""
    last_reload_time: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordingName:
    """What a recording's name tells; None where it does not."""

    name: str
    #: `in`, `out`, `external`, `internal`, `exten`, `q`, `rg`, `generic`, `force`, `ondemand`, `parked`,
    #: `conference`, `page`, `auto`, or `unknown`.
    kind: str
    direction: Direction
    caller: str | None = None
    callee: str | None = None
    extension: str | None = None
    queue_or_group: str | None = None
    #: The PBX's own wall clock, naive on purpose.
    started_at_local: datetime | None = None
    uniqueid: str | None = None
    utc_offset_min: int | None = None
    #: UTC, from the epoch in the uniqueid; None when the name has none.
    started_at: datetime | None = None


#: How a call ended: a person took it, nobody did, a mailbox did, the line was busy, or it never got through.
Disposition = Literal["answered", "missed", "voicemail", "busy", "failed"]


CheckStatus = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, kw_only=True)
class Fix:
    """How to put something right on one kind of FreePBX."""

    #: `Any FreePBX`, `FreePBX 15 and 16` or `FreePBX 17`.
    where: str
    text: str
    #: Lines for a root shell on the PBX, ready to paste; none where it is done with a mouse, or here.
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """The outcome of one named check of a PBX connection or of this installation."""

    check: str
    status: CheckStatus
    what: str
    why: str = ""
    #: In one line.
    fix: str = ""
    #: The error's code when the check failed, the finding's when it warns.
    code: str = ""
    #: The same fix in full: one for any FreePBX, or one for each kind.
    fixes: tuple[Fix, ...] = ()
    #: The paragraph of our guide that tells more, "" if none does.
    guide: str = ""
    #: SHA-256 and PEM of the certificate to offer for trust, when that is the remedy.
    certificate_sha256: str = ""
    certificate_pem: str = ""


# ---- audio ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Decoded sound: float32 in [-1, 1], shape (n_channels, n_samples), at `rate_hz`."""

    samples: Samples
    rate_hz: int


@dataclass(frozen=True, kw_only=True)
class AudioFacts:
    """What is known of a recording's sound without listening to it."""

    #: The container or raw format as decoded: `wav`, `gsm`, `g722`, ...
    format: str
    codec: str
    rate_hz: int
    audio_channels: int
    #: Samples divided by rate.
    duration_s: float
    #: The file ends before its own header says it should.
    is_truncated: bool = False
    #: What the header promised, when it did and differs.
    declared_duration_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of a recording."""

    start_s: float
    end_s: float


#: Sound that is no person speaking in this call.
NonSpeechKind = Literal["silence", "ringback", "busy", "dtmf", "beep", "music"]


@dataclass(frozen=True, kw_only=True)
class NonSpeech:
    """A stretch of an audio channel that holds no words; which key a DTMF tone stands for is not kept."""

    kind: NonSpeechKind
    audio_channel: int
    start_s: float
    end_s: float


# ---- speech -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Word:
    text: str
    start_s: float
    end_s: float
    #: 0 to 1 as the engine sees it, None if the engine gives none.
    confidence: float | None = None
    #: The kind of what was said here, where `text` is only its label.
    redacted: str | None = None


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What an engine heard in one stretch of one audio channel."""

    audio_channel: int
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    #: BCP 47, where the engine itself found it out.
    language: str | None = None


Role = Literal["agent", "customer"]
SpeakerSeparation = Literal["stereo", "separated", "one speaker", "not separated"]


@dataclass(frozen=True, kw_only=True)
class VoiceSpan:
    """A stretch in which one of the separated speakers speaks."""

    start_s: float
    end_s: float
    #: `A` or `B`; `A` speaks first.
    speaker: str


@dataclass(frozen=True, kw_only=True)
class Voices:
    """Whether the speakers of a mono recording could be told apart, and who speaks when."""

    #: In order, apart; empty when not accepted.
    spans: tuple[VoiceSpan, ...]
    #: Cosine of the two voices' centres, -1 to 1: the lower, the less alike; None where it could not be told.
    similarity: float | None
    is_accepted: bool
    #: Accepted, but only just: shown as "speakers estimated".
    is_low_confidence: bool
    #: Why they were not separated, "" if they were.
    reason: str
    #: The method and the version of its weights.
    method: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Utterances of one party until the other party speaks."""

    #: `A`, `B`, or `unknown` when the speakers could not be told apart.
    speaker: str
    role: Role | None
    start_s: float
    end_s: float
    #: "" when the turn was not understood: its words are then guesses, and no more than that.
    text: str
    words: tuple[Word, ...] = ()
    is_understood: bool = True
    #: A person has corrected its text.
    is_corrected: bool = False
    #: 0 to 100: 100 + the level of its speech in dBFS; None where nobody has measured it.
    loudness: float | None = None


@dataclass(frozen=True, kw_only=True)
class SpeechSpan:
    """A stretch of an audio channel in which somebody speaks."""

    audio_channel: int
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Transcript:
    engine: str
    #: Name and version of the weights.
    model: str
    #: BCP 47.
    language: str
    speakers: SpeakerSeparation
    turns: tuple[Turn, ...]
    #: True when the engine is known to misunderstand most telephone speech; the text is shown with that label.
    is_low_accuracy: bool = False
    #: What in the recording is no speech, in order.
    non_speech: tuple[NonSpeech, ...] = ()
    #: What found the speech, such as `silero 6.2.3` or `energy`.
    activity: str = ""
    #: How the voices of a mono recording were told apart, or why not; None on stereo.
    voices: Voices | None = None
    #: How agent and customer were told, or why not, in a sentence.
    roles_reason: str = ""
    #: Where the language comes from: `chosen` by a setting or a person, `engine` found it, `text` read from the words,
    #: `assumed` because the engine knows no other.
    language_from: Literal["chosen", "engine", "text", "assumed"] = "assumed"
    #: Where somebody speaks, in order; empty in transcripts of releases that did not keep it.
    speech: tuple[SpeechSpan, ...] = ()
    #: False where the turns' order stands in for times that nobody gave.
    has_times: bool = True


# ---- insight ----------------------------------------------------------------------------------------------------

SentimentLabel = Literal["positive", "neutral", "negative", "mixed"]
Trend = Literal["improving", "steady", "declining"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Where in a call a rule was met, or a figure has its cause."""

    #: Position of the turn, from 0; None where the rule is about the whole call.
    turn: int | None
    start_s: float
    #: What was said, or what was measured, in a few words.
    words: str


@dataclass(frozen=True, kw_only=True)
class TurnSentiment:
    """How a turn felt; label and score are None when its language is not covered."""

    label: SentimentLabel | None
    #: -5 to +5.
    score: float | None
    #: The words that caused it; none where it is the turn as a whole.
    evidence: tuple[str, ...] = ()
    #: A person has said so.
    is_corrected: bool = False


@dataclass(frozen=True, kw_only=True)
class CallSentiment:
    """How a call felt; every figure is None when there is too little text, and `reason` says why."""

    #: The customer's score, or the whole call's where speakers are not separated; -5 to +5.
    score: float | None
    label: SentimentLabel | None
    trend: Trend | None
    #: Four scores over the conversation, None for a quarter with too few words.
    quarters: tuple[float | None, ...]
    #: `customer`, `agent` (whichever are known) or `whole call`, to score.
    parties: dict[str, float | None] = field(default_factory=dict)
    #: Why figures are missing, "" if none is.
    reason: str = ""
    is_low_confidence: bool = False
    #: Why the confidence is low.
    doubts: tuple[str, ...] = ()
    #: The method and its version.
    method: str = ""
    #: The sentence vectors were missing.
    is_by_rules_alone: bool = True
    #: The turn from which on the customer's mood (the whole call's, as the score) was another one, its position, its
    #: start, and the mood after it less the mood before, on the scale of the scores; None when the mood was steady.
    turning_point_turn: int | None = None
    turning_point_s: float | None = None
    turning_point_change: float | None = None
    #: The turns that made each figure: `customer`, `agent` or `whole call`, `quarter 1` to `quarter 4`, `trend`,
    #: `turning point`; at most three, in their order.
    evidence: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)


RedactionKind = Literal["card", "cvv", "expiry", "ssn", "account", "phone", "email", "dob"]


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """Words of one turn that say something to be hidden; what crosses turns is one of these for each turn."""

    kind: RedactionKind
    #: Position of the turn, from 0.
    turn: int
    #: Positions in the turn's words, both included; in its text split at spaces where it has no words.
    first_word: int
    last_word: int
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class CategoryHit:
    """A category that a call belongs to, and why."""

    category_id: str
    name: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What is known of a call beside its words; None where it is not."""

    direction: Direction = "unknown"
    duration_s: float | None = None
    started_at: datetime | None = None
    #: Of the PBX's own wall clock.
    utc_offset_min: int | None = None
    #: Seconds from the recording's start to the answer.
    answered_after_s: float | None = None
    caller: str | None = None
    callee: str | None = None
    extension: str | None = None
    queue_or_group: str | None = None
    did: str | None = None
    disposition: Disposition | None = None
    audio_channels: int | None = None
    transfers: int = 0
    #: What people have said of the mood of turns, by the turns' text.
    moods: dict[str, SentimentLabel] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """Somebody cut the other off."""

    #: When the interrupter began, and when the other had stopped.
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class PartyMetrics:
    """The figures of one party; None where one cannot be known, with the reason in `CallMetrics.reasons`."""

    talk_time_ms: int | None = None
    #: Words a minute.
    talk_speed: int | None = None
    #: The longest unbroken speech: an agent's monologue, a customer's story.
    longest: Span | None = None
    longest_ms: int | None = None
    #: How long the party lets pass before answering the other.
    response_latency_ms: int | None = None
    response_latency_p90_ms: int | None = None
    #: The times this party interrupted the other.
    interruptions: tuple[Interruption, ...] | None = None
    questions_per_10_min: float | None = None
    #: Positions of the turns that ask something.
    question_turns: tuple[int, ...] = ()
    filler_words: int | None = None
    #: 0 to 100, the median of the turns.
    loudness: float | None = None
    #: Positions of the turns said in a raised voice.
    raised_turns: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class CallMetrics:
    """The figures of a call; None where one cannot be known, and `reasons` says why."""

    #: From the first speech to the last.
    conversation_ms: int | None = None
    talk_time_ms: int | None = None
    #: The agent's part of both parties' talk time, 0 to 1; silence is not in it.
    talk_ratio: float | None = None
    overlap_ms: int | None = None
    overlaps: tuple[Span, ...] = ()
    silences: tuple[Span, ...] = ()
    silence_ms: int | None = None
    #: Of the conversation, 0 to 1.
    silence_share: float | None = None
    longest_silence_ms: int | None = None
    holds: tuple[Span, ...] = ()
    hold_ms: int | None = None
    #: Words a minute, of everybody.
    talk_speed: int | None = None
    questions_per_10_min: float | None = None
    question_turns: tuple[int, ...] = ()
    #: The agent's median wait after the customer has spoken.
    patience_ms: int | None = None
    #: Changes of speaker a minute.
    interactivity: float | None = None
    #: From the answer to the first speech.
    dead_air_start_ms: int | None = None
    #: `agent` and `customer`; `A` and `B` where roles are not known.
    parties: dict[str, PartyMetrics] = field(default_factory=dict)
    #: The parties were told apart by their voices.
    is_estimated: bool = False
    #: Name of a figure (`agent.talk_speed` for a party's) to why it is None.
    reasons: dict[str, str] = field(default_factory=dict)


MomentKind = Literal["reason", "key sentence", "promise", "action", "last word"]
Owner = Literal["agent", "customer", "unknown"]


@dataclass(frozen=True, kw_only=True)
class KeyMoment:
    """Something said that matters: a quote, with its time."""

    kind: MomentKind
    quote: str
    #: Position of the turn.
    turn: int
    start_s: float
    end_s: float
    #: Who said it.
    speaker: Owner
    #: Who has to do it, for promises and actions.
    owner: Owner | None = None
    #: ISO 8601 date, or date and time with the PBX's offset; None where it is not said, or not clear.
    due: str | None = None
    #: The words that say when.
    due_words: str = ""


@dataclass(frozen=True, kw_only=True)
class OutcomeFact:
    """Something that is certain of how a call ended; never a judgement."""

    fact: Literal["follow-up promised", "customer thanked at the end", "voicemail", "not answered", "transferred"]
    #: Where it was said; None where the PBX tells it.
    turn: int | None = None
    start_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Insight:
    """All that was understood of one transcript."""

    #: One per turn, in the turns' order.
    turns: tuple[TurnSentiment, ...]
    sentiment: CallSentiment
    metrics: CallMetrics | None = None
    moments: tuple[KeyMoment, ...] = ()
    #: Why there are no moments, "" if there are.
    moments_reason: str = ""
    outcome_facts: tuple[OutcomeFact, ...] = ()
    #: Which rules and models made it: `mood`, `metrics`, ... to their versions.
    versions: dict[str, str] = field(default_factory=dict)


# ---- what a language model wrote --------------------------------------------------------------------------------

GeneratedOutcome = Literal["resolved", "unresolved", "follow_up", "sale", "no_sale", "voicemail", "other"]
#: How the model is asked for its structured answer: by a JSON schema of the endpoint, by words, or by a tool.
LlmMode = Literal["native", "prompted", "tools"]


@dataclass(frozen=True, kw_only=True)
class GeneratedClaim:
    """A sentence, with the turns it stands on."""

    text: str
    #: Positions in the transcript's turns; never empty.
    turns: tuple[int, ...]
    #: Start of the first of them, in the recording.
    start_s: float


@dataclass(frozen=True, kw_only=True)
class GeneratedAction:
    """Something somebody promised or has to do."""

    owner: Literal["agent", "customer", "unknown"]
    text: str
    #: As it was said, such as `by Friday`; None if nothing was.
    due: str | None
    turn: int
    start_s: float


@dataclass(frozen=True, kw_only=True)
class GeneratedEvidence:
    """The words that bear a field of the answer."""

    field: str
    turn: int
    quote: str


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What a language model wrote about a call, after everything without evidence was taken out."""

    summary: tuple[GeneratedClaim, ...]
    #: Why the call was made.
    reason: GeneratedClaim | None
    #: None when the model gave no evidence for it.
    outcome: GeneratedOutcome | None
    resolved: bool | None
    actions: tuple[GeneratedAction, ...]
    topics: tuple[str, ...]
    #: -5 to +5, the model's own opinion.
    customer_sentiment: float | None
    agent_sentiment: float | None
    evidence: tuple[GeneratedEvidence, ...]
    #: BCP 47, of the answer.
    language: str
    model: str
    mode: LlmMode
    prompt_version: str
    #: Sentences, actions and fields that were taken out because the transcript does not bear them.
    dropped_claims: int = 0
    #: Much was taken out, or somebody in the call speaks to the model: read it with doubt.
    is_unverified: bool = False
    #: Turns that look as if they were meant to instruct the model.
    suspicious_turns: tuple[int, ...] = ()
    #: Parts the call was sent in, 1 for a call that fitted.
    parts: int = 1
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


# ---- the life of a call -----------------------------------------------------------------------------------------


class CallState(StrEnum):
    """Where a call stands on its way through the house."""

    #: Listed by the PBX, not fetched yet.
    FOUND = "found"
    #: The PBX is still recording it.
    IN_PROGRESS = "in progress"
    #: Home, not yet analysed.
    FETCHED = "fetched"
    #: Being decoded, transcribed, analysed or indexed.
    ANALYSING = "analysing"
    #: Everything that can be known is known.
    DONE = "done"
    #: Home, but there is no sound in it.
    NO_AUDIO = "no audio"
    #: Waiting for another attempt after a passing fault.
    WAITING = "waiting"
    #: Given up; the error says why.
    FAILED = "failed"
    #: Shorter than the PBX's filter wants; not analysed.
    SKIPPED = "skipped"
    #: The call detail records know the call, but there is no recording of it.
    NO_RECORDING = "no recording"


class Stage(StrEnum):
    """The steps of the walk, in order."""

    FETCH = "fetch"
    DECODE = "decode"
    TRANSCRIBE = "transcribe"
    ANALYSE = "analyse"
    INDEX = "index"
