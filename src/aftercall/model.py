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


# ---- insight ----------------------------------------------------------------------------------------------------

SentimentLabel = Literal["positive", "neutral", "negative", "mixed"]
Trend = Literal["improving", "steady", "declining"]


@dataclass(frozen=True, kw_only=True)
class TurnSentiment:
    """How a turn felt; label and score are None when its language is not covered."""

    label: SentimentLabel | None
    #: -5 to +5.
    score: float | None
    #: The words that caused it.
    evidence: tuple[str, ...] = ()


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
    #: The method and its version.
    method: str = ""


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
class Insight:
    """All that was understood of one transcript."""

    #: One per turn, in the turns' order.
    turns: tuple[TurnSentiment, ...]
    sentiment: CallSentiment


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
