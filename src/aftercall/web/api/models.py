"""This file declares the API's shapes for its OpenAPI document; `store/shapes.py` makes them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Direction = Literal["inbound", "outbound", "internal", "conference", "unknown"]
Mood = Literal["positive", "neutral", "negative", "mixed"]
Trend = Literal["improving", "steady", "declining"]
State = Literal[
    "found", "in progress", "fetched", "analysing", "done", "no audio", "waiting", "failed", "skipped", "no recording"
]

Disposition = Literal["answered", "missed", "voicemail", "busy", "failed"]
Gap = Literal["not recorded", "not on the PBX", "failed", "no audio", "filtered out", "too old"]


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


class Transfer(Shape):
    """A call that was handed on."""

    kind: str
    to: str
    at: str | None


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
    linkedid: str | None
    caller_name: str | None
    callee_name: str | None
    did: str | None
    disposition: Disposition | None
    answered_at: str | None
    hung_up_at: str | None
    #: Until the answer, or until the caller gave up.
    ring_s: float | None
    talk_s: float | None
    hangup_cause: int | None
    hangup_text: str | None
    transfers: list[Transfer]
    #: The id of the call under which this recording is shown.
    further_recording_of: str | None
    #: The id of the call in which a missed caller was spoken to.
    called_back_by: str | None
    sentiment: CallMood | None
    #: Why somebody called, as it was said.
    reason: str | None
    #: The agent's part of the talk time, 0 to 1.
    talk_share: float | None
    #: Of the conversation, 0 to 1.
    silence_share: float | None
    interruptions: int | None
    open_promises: int | None
    engine: str | None
    language: str | None
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
    #: The words that caused it; none where it is the turn as a whole.
    evidence: list[str]
    #: A person has said so.
    is_corrected: bool


class Turn(Shape):
    speaker: str
    role: Literal["agent", "customer"] | None
    start_s: float
    end_s: float
    #: "" when it was not understood; the words are then guesses.
    text: str
    is_understood: bool
    is_corrected: bool
    #: 0 to 100: 100 + the level in dBFS.
    loudness: float | None
    sentiment: TurnMood | None
    words: list[Word]


class Voices(Shape):
    """How the voices of a mono recording were told apart, or why not."""

    is_accepted: bool
    is_low_confidence: bool
    similarity: float | None
    reason: str
    method: str


class NonSpeech(Shape):
    """A stretch that holds no words."""

    kind: Literal["silence", "ringback", "busy", "dtmf", "beep", "music"]
    audio_channel: int
    start_s: float
    end_s: float


class Evidence(Shape):
    """Where in a call a rule was met, or a figure has its cause; `turn` is null where it is about the whole call."""

    turn: int | None
    start_s: float
    words: str


class TurningPoint(Shape):
    """The turn from which on the mood was another one, and by how much."""

    turn: int
    start_s: float
    change: float


class Sentiment(Shape):
    """How the whole call felt; null figures come with a reason."""

    score: float | None
    label: Mood | None
    trend: Trend | None
    quarters: list[float | None]
    parties: dict[str, float | None]
    is_low_confidence: bool
    #: Why the confidence is low.
    doubts: list[str]
    #: Null when the mood was steady.
    turning_point: TurningPoint | None
    #: `customer`, `agent` or `whole call`, `quarter 1` to `quarter 4`, `trend`, `turning point` to what made them.
    evidence: dict[str, list[Evidence]]
    reason: str
    method: str
    #: The sentence vectors were missing.
    is_by_rules_alone: bool


class GeneratedClaim(Shape):
    text: str
    #: Positions in `turns` that bear it.
    turns: list[int]
    start_s: float


class GeneratedAction(Shape):
    owner: Literal["agent", "customer", "unknown"]
    text: str
    due: str | None
    turn: int
    start_s: float


class GeneratedEvidence(Shape):
    field: str
    turn: int
    quote: str


class GeneratedText(Shape):
    """What a language model wrote, less what the transcript does not bear. Plain text from a model: escape it."""

    summary: list[GeneratedClaim]
    reason: GeneratedClaim | None
    outcome: Literal["resolved", "unresolved", "follow_up", "sale", "no_sale", "voicemail", "other"] | None
    resolved: bool | None
    actions: list[GeneratedAction]
    topics: list[str]
    #: The model's own opinion, -5 to +5.
    customer_sentiment: float | None
    agent_sentiment: float | None
    evidence: list[GeneratedEvidence]
    language: str
    model: str
    mode: Literal["native", "prompted", "tools"]
    prompt_version: str
    dropped_claims: int
    is_unverified: bool
    #: Turns that look as if they were meant to instruct the model.
    suspicious_turns: list[int]
    parts: int
    requests: int
    input_tokens: int
    output_tokens: int
    made_at: str | None


class Generated(Shape):
    """How far the summary by a language model is, and what it wrote."""

    state: Literal["queued", "running", "done", "failed", "skipped", "cancelled"]
    error: Failure | None
    #: Used by every attempt.
    tokens: int
    changed_at: str
    #: The newest that was made; older than `error` when a later attempt failed.
    written: GeneratedText | None


class CallCategory(Shape):
    """A category a call belongs to, and why."""

    id: str
    name: str
    colour: str
    evidence: list[Evidence]


class Category(Shape):
    """A category with its rules, as YAML has them."""

    id: str
    name: str
    colour: str
    about: str
    #: The ready pack it came from.
    pack: str | None
    enabled: bool
    when: dict[str, Any]
    version: int
    is_as_packed: bool
    changed_by: str
    changed_at: str
    call_count: int


class CategorySample(Shape):
    call_id: str
    evidence: list[Evidence]


class CategoryPreview(Shape):
    """What a category would hold; the difference is null without a saved version."""

    call_count: int
    count: int
    days: dict[str, int]
    samples: list[CategorySample]
    added_count: int | None
    removed_count: int | None
    added: list[CategorySample]
    removed: list[CategorySample]


class CategoryRun(Shape):
    """How far applying categories to past calls is."""

    id: str
    #: Null for all categories.
    category: str | None
    state: Literal["queued", "running", "done", "cancelled"]
    asked_at: str
    asked_by: str
    call_count: int
    done_count: int
    hit_count: int
    finished_at: str | None


class Stretch(Shape):
    start_s: float
    end_s: float


class PartyMetricsShape(Shape):
    """The figures of one party; null where one cannot be known."""

    talk_time_ms: int | None
    talk_speed: int | None
    longest: Stretch | None
    longest_ms: int | None
    response_latency_ms: int | None
    response_latency_p90_ms: int | None
    interruptions: list[Stretch] | None
    questions_per_10_min: float | None
    question_turns: list[int]
    filler_words: int | None
    loudness: float | None
    raised_turns: list[int] | None


class CallMetricsShape(Shape):
    """The figures of a call; `reasons` says for each that is null why."""

    conversation_ms: int | None
    talk_time_ms: int | None
    talk_ratio: float | None
    overlap_ms: int | None
    overlaps: list[Stretch]
    silences: list[Stretch]
    silence_ms: int | None
    silence_share: float | None
    longest_silence_ms: int | None
    holds: list[Stretch]
    hold_ms: int | None
    talk_speed: int | None
    questions_per_10_min: float | None
    question_turns: list[int]
    patience_ms: int | None
    interactivity: float | None
    dead_air_start_ms: int | None
    #: `agent` and `customer`; `A` and `B` where roles are not known.
    parties: dict[str, PartyMetricsShape]
    is_estimated: bool
    reasons: dict[str, str]


class KeyMomentShape(Shape):
    """A quote with its time."""

    kind: Literal["reason", "key sentence", "promise", "action", "last word"]
    quote: str
    turn: int
    start_s: float
    end_s: float
    speaker: Literal["agent", "customer", "unknown"]
    owner: Literal["agent", "customer", "unknown"] | None
    #: ISO 8601 date, or date and time.
    due: str | None
    due_words: str


class OutcomeFactShape(Shape):
    """Something that is certain of how a call ended."""

    fact: Literal["follow-up promised", "customer thanked at the end", "voicemail", "not answered", "transferred"]
    turn: int | None
    start_s: float | None


class KeyMoments(Shape):
    """What was said that matters; `reason` says why there is nothing."""

    items: list[KeyMomentShape]
    reason: str
    outcome_facts: list[OutcomeFactShape]


class HiddenWords(Shape):
    """Words that a label stands for: never the words themselves."""

    turn: int
    kind: Literal["card", "cvv", "expiry", "ssn", "account", "phone", "email", "dob"]
    #: The label.
    text: str
    start_s: float
    end_s: float


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
    linkedid: str | None
    caller_name: str | None
    callee_name: str | None
    did: str | None
    disposition: Disposition | None
    answered_at: str | None
    hung_up_at: str | None
    ring_s: float | None
    talk_s: float | None
    hangup_cause: int | None
    hangup_text: str | None
    transfers: list[Transfer]
    further_recording_of: str | None
    called_back_by: str | None
    is_demo: bool
    updated_at: str
    kind: str | None
    uniqueid: str | None
    size_bytes: int | None
    sha256: str | None
    content_type: str | None
    fetched_at: str | None
    next_try_at: str | None
    audio: AudioFacts | None
    stages: list[Stage]
    #: Why somebody called, as it was said.
    reason: str | None
    #: The agent's part of the talk time, 0 to 1.
    talk_share: float | None
    #: Of the conversation, 0 to 1.
    silence_share: float | None
    interruptions: int | None
    open_promises: int | None
    engine: str | None
    model: str | None
    language: str | None
    is_low_accuracy: bool | None
    language_from: Literal["chosen", "engine", "text", "assumed"] | None
    speakers: Literal["stereo", "separated", "one speaker", "not separated"] | None
    voices: Voices | None
    roles_reason: str | None
    speech_found_by: str | None
    non_speech: list[NonSpeech] | None
    turns: list[Turn] | None
    sentiment: Sentiment | None
    metrics: CallMetricsShape | None
    moments: KeyMoments | None
    categories: list[CallCategory]
    redactions: list[HiddenWords] | None
    #: Null while no language model was asked.
    generated: Generated | None
    #: Which rules and models made the analysis.
    versions: dict[str, str] | None


class Leg(Shape):
    """Who was rung in a call, and what came of it."""

    at: str
    caller: str | None
    callee: str | None
    extension: str | None
    application: str
    outcome: Literal["answered", "no answer", "busy", "failed"]
    ring_s: float
    talk_s: float
    recording: str | None


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
    #: IANA name; null while nobody has said it.
    zone: str | None
    #: Recordings of earlier days (on the PBX's clock) are not fetched; null for all.
    since: str | None
    #: Null for all.
    directions: list[Direction] | None
    #: Empty for all.
    extensions: list[str]
    skipped_names: list[str]
    min_duration_s: float
    downloads_at_once: int
    #: Null for no limit.
    backlog_per_min: int | None
    is_backlog_paused: bool
    hears_events: bool


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
    #: IANA name such as Europe/Berlin; null to take the zone from the recordings' names.
    zone: str | None = None
    #: The first day wanted, YYYY-MM-DD on the PBX's clock; null for everything.
    since: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = None
    #: Null for all.
    directions: list[Literal["inbound", "outbound", "internal", "conference"]] | None = None
    #: Only these, `*` and `?` as in file names; empty for all.
    extensions: list[Annotated[str, Field(max_length=40)]] = []
    #: Recordings whose name, folders included, matches one of these are not fetched.
    skipped_names: list[Annotated[str, Field(max_length=200)]] = []
    #: Shorter recordings are not analysed; known only after the download.
    min_duration_s: Annotated[int, Field(ge=0, le=3600)] = 0
    downloads_at_once: Annotated[int, Field(ge=1, le=4)] = 2
    #: Old recordings fetched a minute at most; null for no limit.
    backlog_per_min: Annotated[int | None, Field(ge=1, le=6000)] = None
    #: Listen to the PBX's events, so that calls appear as they end.
    hears_events: bool = True


class Preview(Shape):
    """What a sync would fetch, counted on a list made now."""

    listed: int
    #: Of the listed ones, those that came before.
    known: int
    wanted: int
    #: How many each rule skips: `since`, `directions`, `extensions`, `names`; the first rule that fits counts.
    skipped: dict[str, int]


class Fix(Shape):
    """How to put something right on one kind of FreePBX."""

    where: Literal["Any FreePBX", "FreePBX 15 and 16", "FreePBX 17"]
    text: str
    #: Lines for a root shell on the PBX.
    commands: list[str]


class Check(Shape):
    """The outcome of one check of a connection."""

    check: str
    status: Literal["ok", "warn", "fail", "skip"]
    what: str
    why: str
    fix: str
    code: str
    #: The fix in full: one for any FreePBX, or one for each kind.
    fixes: list[Fix]
    #: The paragraph of /settings/freepbx/guide that tells more, "" if none does.
    guide: str
    certificate_sha256: str
    certificate_pem: str


class Run(Shape):
    """One sync without its calls, as in a history."""

    id: str
    pbx_id: str
    asked_by: Literal["user", "schedule"]
    state: Literal["queued", "listing", "listed", "failed", "cancelled"]
    requested_at: str
    started_at: str | None
    finished_at: str | None
    #: Recordings in the PBX's list; null before it is in.
    found: int | None
    new: int | None
    #: New, but not wanted by the filters.
    skipped: int | None
    #: How long the PBX took for its list.
    list_s: float | None
    error: Failure | None


class Sync(Run):
    """One sync and how far its calls are."""

    is_over: bool
    done: int
    failed: int
    waiting: int
    moving: int
    #: Of those moving: not at home yet.
    to_fetch: int


class RunPage(Shape):
    """The syncs of a PBX, newest first."""

    items: list[Run]
    #: To be sent as `before` for older ones; null where there are no more.
    before: str | None


class Pace(Shape):
    """How many came home and were analysed a minute, over the last `window_s` seconds."""

    window_s: float
    fetched_per_min: float
    analysed_per_min: float


class Events(Shape):
    """The line that brings the PBX's events."""

    is_wanted: bool
    #: Null while nobody listens.
    state: Literal["connecting", "connected", "lost"] | None
    changed_at: str | None
    error: Failure | None


class Lag(Shape):
    """Seconds from the hang-up, over `count` calls; null where none was measured."""

    count: int
    p50_s: float | None
    p95_s: float | None


class Lags(Shape):
    window_s: float
    listed: Lag
    fetched: Lag
    analysed: Lag


class Cause(Failure):
    """Why calls failed for good."""

    stage: str
    count: int


class PbxStatus(Shape):
    """How one PBX is doing."""

    pbx_id: str
    pbx: str
    state: Literal["off", "blocked", "queued", "listing", "working", "failing", "listening", "waiting"]
    blocked_by: str | None
    #: Null while nothing is due.
    next_due_at: str | None
    last_sync: Sync | None
    #: Calls on their way, still being recorded, waiting for another attempt or held back, and failed for good.
    moving: int
    in_progress: int
    waiting: int
    failed: int
    is_backlog_paused: bool
    pace: Pace
    #: At the present pace; null while that is not known.
    time_left_s: int | None
    events: Events
    lags: Lags
    causes: list[Cause]
    #: When the last call was, if an unusual time has passed since.
    silent_since: str | None


class RetryEntry(Shape):
    """Which failures to try again: those with this code."""

    code: Annotated[str, Field(min_length=1, max_length=60)]


class Retried(Shape):
    """How many calls are tried again."""

    count: int


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


class CdrEntry(Shape):
    """Where a PBX's call detail records are read."""

    host: str
    port: int = 3306
    database: str = "asteriskcdrdb"
    username: str
    #: Left out, the stored one is kept.
    password: str | None = None
    use_tls: bool = False
    #: PEM of the server's own certificate.
    certificate: str | None = None
    is_enabled: bool = True


class CdrSource(Shape):
    """Where a PBX's call detail records are read, and how that goes."""

    host: str
    port: int
    database: str
    username: str
    use_tls: bool
    certificate: str | None
    is_enabled: bool
    read_at: str | None
    next_read_at: str | None
    is_backfilled: bool
    backfilled_to: str | None
    blocked_by: str | None
    error: Failure | None
    known_calls: int
    oldest_at: str | None
    newest_at: str | None


class CoverageFigure(Shape):
    """The answered calls of one extension, queue or day, or all of them."""

    name: str
    answered: int
    usable: int
    on_its_way: int
    missing: int
    #: 0 to 1, of those whose outcome is known.
    share: float | None
    causes: dict[Gap, int]


class CoverageReport(Shape):
    total: CoverageFigure
    by_extension: list[CoverageFigure]
    by_queue: list[CoverageFigure]
    by_day: list[CoverageFigure]


class CoverageGap(Shape):
    """An answered call without a usable recording."""

    linkedid: str
    call_id: str | None
    pbx_id: str
    started_at: str
    direction: Direction
    caller: str | None
    caller_name: str | None
    callee: str | None
    extension: str | None
    queue_or_group: str | None
    talk_s: float | None
    cause: Gap


class TranscriptVersion(Shape):
    """One transcript of a call, without its text."""

    number: int
    #: `candidate`: a new one that nobody has accepted yet.
    state: Literal["present", "old", "candidate"]
    engine: str
    model: str
    language: str
    is_low_accuracy: bool
    made_at: str


class WholeVersion(TranscriptVersion):
    """One transcript of a call."""

    turns: list[Turn]


class MoodCorrection(Shape):
    """What a person said of the mood of one line."""

    call_id: str
    text: str
    label: Mood
    computed: Mood | None
    language: str
    made_by: str
    made_at: str


class LineCorrection(Shape):
    """What a person put right in one line."""

    id: int
    #: Of the line, from 0.
    position: int
    #: `confirm`: a person read the line and found it right.
    kind: Literal["correct", "confirm", "restore"]
    before: str
    after: str
    made_by: str
    made_at: str


class CallSpeaker(Shape):
    """Who one of a call's speakers is."""

    #: `A` or `B`.
    speaker: str
    #: As people named him; "" for none.
    name: str
    role: Literal["agent", "customer"] | None
    #: A person said the role; else it was found out.
    is_chosen: bool


class SpeechRuleShape(Shape):
    """Which calls, and what is used for them; "" leaves a thing open."""

    pbx_id: str
    direction: str
    queue_or_group: str
    extension: str
    #: BCP 47; what the call was heard to be in before.
    spoken: str
    engine: str
    language: str


class SpeakerThresholdsShape(Shape):
    """When two voices in one audio channel count as two."""

    most_alike: float
    surely_apart: float
    smallest_share: float
    least_speech_s: float


class SpeechSettingsShape(Shape):
    """How calls are transcribed."""

    #: `auto`, `ENGINE` or `ENGINE/MODEL`.
    engine: str
    #: BCP 47; null to find it out.
    language: str | None
    #: The first that fits a call decides.
    rules: list[SpeechRuleShape]
    #: A turn the engine trusts less says "not understood"; null to show everything.
    understood_from: float | None
    #: A word the engine trusts less is marked.
    unsure_below: float
    #: Names of colleagues and queues help the engine.
    uses_names: bool
    thresholds: SpeakerThresholdsShape


class VocabularyPhrase(Shape):
    """A name or a term that engines favour."""

    phrase: str
    #: `learned`: from a correction.
    source: Literal["typed", "learned"]
    added_by: str
    added_at: str


class Measured(Shape):
    """How well some lines were heard."""

    lines: int
    #: Lines that a person found right as they were.
    confirmed_lines: int
    words: int
    #: 0.25 is one word in four; null without words.
    word_error_rate: float | None
    #: So few words that one more bad line may change the rate by a point.
    is_rough: bool


class EngineAccuracy(Measured):
    engine: str
    model: str
    language: str


class MonthAccuracy(Measured):
    #: `2026-11`, in UTC.
    month: str


class Mistake(Shape):
    """What was heard instead of what was said."""

    heard: str
    said: str
    count: int


class AccuracyReport(Shape):
    """How well the engines hear this installation's own calls."""

    engines: list[EngineAccuracy]
    months: list[MonthAccuracy]
    mistakes: list[Mistake]
    #: Older corrections were left out.
    is_cut: bool


class RerunProgress(Shape):
    """One wish to transcribe calls again, and how far it is."""

    id: str
    asked_at: str
    asked_by: str
    engine: str | None
    language: str | None
    is_cancelled: bool
    #: State to the number of calls in it.
    counts: dict[str, int]


class RenewalProgress(Shape):
    """One wish to analyse calls again, and how far it is."""

    id: str
    asked_at: str
    asked_by: str
    total: int
    done: int
    is_cancelled: bool
    finished_at: str | None


class UsedTokens(Shape):
    tokens: int
    requests: int


class LanguageModelShape(Shape):
    """Which language model is asked; its key is never given."""

    url: str
    model: str
    mode: Literal["native", "prompted", "tools"]
    timeout_s: float | None
    context_tokens: int
    call_cap: int
    day_cap: int
    is_enabled: bool
    has_key: bool
    used_today: UsedTokens
    failures_in_a_row: int
    paused_until: str | None


class ModeFailure(Shape):
    mode: Literal["native", "prompted", "tools"]
    error: Failure


class LanguageModelTest(Shape):
    """Null `mode`: none works."""

    mode: Literal["native", "prompted", "tools"] | None
    took_s: float
    #: What the model wrote about an invented call.
    answer: list[str] | None
    failures: list[ModeFailure]


class MoodFigures(Shape):
    """What is counted of some calls."""

    calls: int
    length_s: float
    positive: int
    neutral: int
    negative: int
    mixed: int
    #: Average of the calls that have one, -5 to +5.
    score: float | None
    missed: int
    not_called_back: int
    #: Too few calls with a mood to compare.
    is_small: bool


class MoodGroup(MoodFigures):
    """The same of one day, extension or queue."""

    name: str


class Overview(Shape):
    """The figures of a period, and of as long a time before it."""

    since: str
    until: str
    total: MoodFigures
    before: MoodFigures
    by_day: list[MoodGroup]
    by_extension: list[MoodGroup]
    by_queue: list[MoodGroup]


class RemoteServiceShape(Shape):
    """The remote speech service, without its key."""

    url: str
    model: str
    has_key: bool
    timeout_s: float
    upload_limit_mb: float
    is_in_auto: bool


class RemoteTrial(Shape):
    """What a remote speech service made of a short sample."""

    text: str
    has_word_times: bool
    has_confidence: bool
    dialect: str
    took_s: float
