"""This file declares the API's shapes for its OpenAPI document; `store/shapes.py` makes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Direction = Literal["inbound", "outbound", "internal", "conference", "unknown"]
Mood = Literal["positive", "neutral", "negative", "mixed"]
Trend = Literal["improving", "steady", "declining"]
State = Literal["found", "in progress", "fetched", "analysing", "done", "no audio", "waiting", "failed"]


class Shape(BaseModel):
    """Every field is always there; null means not known."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """What went wrong, why, and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    what: str
    why: str
    fix: str
    #: The same reference stands in the log.
    reference: str
    field: str | None = None


class Failure(Shape):
    """An error that a stage or a sync ended with."""

    code: str
    what: str
    why: str
    fix: str


class CallMood(Shape):
    """How a call felt, -5 to +5."""

    score: float | None
    label: Mood
    trend: Trend | None
    is_low_confidence: bool | None


class Snippet(Shape):
    """Where a search hit."""

    text: str
    hits: list[str]
    start_s: float
    speaker: str


class Call(Shape):
    """One call as in a list."""

    id: str
    pbx: str
    recording: str | None
    state: State
    started_at: str
    started_at_local: str | None
    is_start_estimated: bool
    direction: Direction
    caller: str | None
    callee: str | None
    extension: str | None
    queue_or_group: str | None
    duration_s: float | None
    sentiment: CallMood | None
    engine: str | None
    is_low_accuracy: bool | None
    is_demo: bool
    updated_at: str
    snippet: Snippet | None = None


class CallPage(Shape):
    """One page of calls, newest first."""

    items: list[Call]
    #: To be sent as `cursor` for the next page; null on the last one.
    next_cursor: str | None
    #: How many calls match; exact unless `is_count_exact` says otherwise.
    count: int
    is_count_exact: bool


class AudioFacts(Shape):
    format: str
    codec: str
    rate_hz: int
    audio_channels: int
    duration_s: float
    is_truncated: bool
    declared_duration_s: float | None


class Stage(Shape):
    stage: Literal["fetch", "decode", "transcribe", "analyse", "index"]
    state: Literal["running", "done", "failed", "waiting"]
    started_at: str
    finished_at: str | None
    error: Failure | None


class Word(Shape):
    text: str
    start_s: float
    end_s: float
    confidence: float | None


class TurnMood(Shape):
    """Null where the language is not covered."""

    label: Mood | None
    score: float | None
    evidence: list[str]


class Turn(Shape):
    speaker: str
    role: Literal["agent", "customer"] | None
    start_s: float
    end_s: float
    text: str
    sentiment: TurnMood | None
    words: list[Word]


class Sentiment(Shape):
    """How the whole call felt; null figures come with a reason."""

    score: float | None
    label: Mood | None
    trend: Trend | None
    quarters: list[float | None]
    parties: dict[str, float | None]
    is_low_confidence: bool
    reason: str
    method: str


class WholeCall(Shape):
    """Everything known of one call."""

    id: str
    pbx: str
    recording: str | None
    state: State
    started_at: str
    started_at_local: str | None
    is_start_estimated: bool
    direction: Direction
    caller: str | None
    callee: str | None
    extension: str | None
    queue_or_group: str | None
    duration_s: float | None
    is_demo: bool
    updated_at: str
    kind: str
    uniqueid: str | None
    size_bytes: int | None
    sha256: str | None
    content_type: str | None
    fetched_at: str | None
    next_try_at: str | None
    audio: AudioFacts | None
    stages: list[Stage]
    engine: str | None
    model: str | None
    language: str | None
    is_low_accuracy: bool | None
    speakers: Literal["stereo", "separated", "one speaker", "not separated"] | None
    turns: list[Turn] | None
    sentiment: Sentiment | None
    metrics: None
    moments: None
    categories: None
    redactions: None


class Pbx(Shape):
    """One PBX, without its password."""

    id: str
    name: str
    host: str
    port: int
    username: str
    use_tls: bool
    prefix: str
    has_pinned_certificate: bool
    sync_interval_min: int
    is_enabled: bool
    is_demo: bool
    next_due_at: str
    blocked_by: str | None


class PbxEntry(Shape):
    """What to connect to. On a change, a password of null keeps the stored one."""

    name: Annotated[str, Field(max_length=80)]
    host: Annotated[str, Field(max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)]
    username: Annotated[str, Field(max_length=80)]
    password: Annotated[str | None, Field(max_length=200)] = None
    use_tls: bool = False
    prefix: Annotated[str, Field(max_length=80)] = ""
    #: PEM of the certificate to trust, for a PBX that signs its own; null for none.
    pinned_certificate: str | None = None
    sync_interval_min: Annotated[int, Field(ge=1, le=1440)] = 10
    is_enabled: bool = True


class Check(Shape):
    """The outcome of one check of a connection."""

    check: str
    status: Literal["ok", "warn", "fail", "skip"]
    what: str
    why: str
    fix: str
    code: str
    certificate_sha256: str
    certificate_pem: str


class Sync(Shape):
    """One sync and how far its calls are."""

    id: str
    pbx_id: str
    asked_by: Literal["user", "schedule"]
    state: Literal["queued", "listing", "listed", "failed", "cancelled"]
    is_over: bool
    requested_at: str
    started_at: str | None
    finished_at: str | None
    #: Recordings in the PBX's list; null before it is in.
    found: int | None
    new: int | None
    done: int
    failed: int
    waiting: int
    moving: int
    error: Failure | None


class Account(Shape):
    name: str
    role: str


class SessionShape(Shape):
    id: str
    created_at: str
    last_seen_at: str
    expires_at: str
    user_agent: str
    address: str
    is_current: bool


class TokenEntry(Shape):
    name: Annotated[str, Field(min_length=1, max_length=80)]


class Token(Shape):
    id: str
    name: str
    created_at: str
    last_used_at: str | None


class NewToken(Shape):
    """Shown this once."""

    token: str
