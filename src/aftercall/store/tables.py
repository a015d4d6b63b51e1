"""This file declares the tables; nothing outside `store/` imports it."""

from datetime import UTC as UTC_ZONE
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UTC(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which has no zones, holds it naive."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        value = value.astimezone(UTC_ZONE)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC_ZONE) if value is not None and value.tzinfo is None else value


#: SQLite makes only INTEGER PRIMARY KEY its rowid, and FTS5 wants that.
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: What an administrator or the installation itself has decided, as JSON by name.
choice = sa.Table(
    "choice",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("created_at", UTC, nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", UTC, nullable=False),
    sa.Column("last_seen_at", UTC, nullable=False),
    sa.Column("expires_at", UTC, nullable=False),
    sa.Column("user_agent", sa.String(200), nullable=False),
    sa.Column("address", sa.String(60), nullable=False),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("created_at", UTC, nullable=False),
    sa.Column("last_used_at", UTC),
)

sign_in_failure = sa.Table(
    "sign_in_failure",
    metadata,
    sa.Column("id", BIG, primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, index=True),
    sa.Column("address", sa.String(60), nullable=False, index=True),
    sa.Column("failed_at", UTC, nullable=False),
)

pbx = sa.Table(
    "pbx",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, unique=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("use_tls", sa.Boolean, nullable=False),
    sa.Column("prefix", sa.String(80), nullable=False),
    sa.Column("username", sa.String(80), nullable=False),
    #: Encrypted by the vault; never leaves the store in clear but through it.
    sa.Column("password_sealed", sa.Text, nullable=False),
    sa.Column("pinned_certificate", sa.Text),
    sa.Column("sync_interval_min", sa.Integer, nullable=False),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("is_demo", sa.Boolean, nullable=False),
    sa.Column("created_at", UTC, nullable=False),
    sa.Column("changed_at", UTC, nullable=False),
    sa.Column("removed_at", UTC),
    #: When the schedule last asked for a sync; the next one is due an interval later.
    sa.Column("last_due_at", UTC),
    #: Code of the error that stopped the schedule until the settings change (such as a refused sign-in).
    sa.Column("blocked_by", sa.String(60)),
    #: IANA name of the PBX's time zone, for what its recording names leave open.
    sa.Column("zone", sa.String(60)),
    #: Older recordings are not fetched.
    sa.Column("fetch_since", UTC),
    #: Which recordings are wanted, as `recordings.plan.Filters` has it; null for all.
    sa.Column("filters", sa.JSON),
    sa.Column("downloads_at_once", sa.Integer, nullable=False, server_default="2"),
    #: Downloads of old recordings a minute at most; null for no limit.
    sa.Column("backlog_per_min", sa.Integer),
    sa.Column("is_backlog_paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("hears_events", sa.Boolean, nullable=False, server_default=sa.true()),
    #: `connecting`, `connected` or `lost`; null while nobody listens.
    sa.Column("events_state", sa.String(20)),
    sa.Column("events_changed_at", UTC),
    sa.Column("events_error", sa.JSON),
    #: Lists that failed since the last that came.
    sa.Column("failed_lists", sa.Integer, nullable=False, server_default="0"),
    #: How long the PBX took for its last list.
    sa.Column("last_list_s", sa.Float),
    #: How far its clock was ahead of ours at the last list.
    sa.Column("clock_skew_s", sa.Float),
)

sync = sa.Table(
    "sync",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), nullable=False),
    sa.Column("asked_by", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("requested_at", UTC, nullable=False),
    sa.Column("started_at", UTC),
    sa.Column("finished_at", UTC),
    sa.Column("found_count", sa.Integer),
    sa.Column("new_count", sa.Integer),
    #: Listed and unknown, but not wanted by the filters.
    sa.Column("skipped_count", sa.Integer),
    sa.Column("list_s", sa.Float),
    sa.Column("error", sa.JSON),
    sa.Index("ix_sync_pbx_id_requested_at", "pbx_id", "requested_at"),
)

call = sa.Table(
    "call",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    #: Start in ms << 20 | low bits of the id: orders calls by start, unique, one integer in both dialects.
    sa.Column("sort_key", BIG, nullable=False, unique=True),
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), nullable=False),
    sa.Column("sync_id", sa.String(32)),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("started_at", UTC, nullable=False),
    #: The name told no start: `started_at` is when the recording was first seen.
    sa.Column("is_start_estimated", sa.Boolean, nullable=False),
    sa.Column("utc_offset_min", sa.Integer),
    sa.Column("direction", sa.String(20), nullable=False),
    sa.Column("caller", sa.Text),
    sa.Column("callee", sa.Text),
    sa.Column("extension", sa.String(80)),
    sa.Column("queue_or_group", sa.Text),
    sa.Column("duration_s", sa.Float),
    #: What the PBX's events or its call detail records tell; null where neither does.
    sa.Column("linkedid", sa.Text),
    sa.Column("caller_name", sa.Text),
    sa.Column("callee_name", sa.Text),
    sa.Column("did", sa.Text),
    sa.Column("context", sa.Text),
    sa.Column("answered_at", UTC),
    sa.Column("hung_up_at", UTC),
    sa.Column("ring_s", sa.Float),
    sa.Column("talk_s", sa.Float),
    sa.Column("hangup_cause", sa.Integer),
    sa.Column("hangup_text", sa.Text),
    #: `answered`, `missed`, `voicemail`, `busy` or `failed`.
    sa.Column("disposition", sa.String(20)),
    sa.Column("transfers", sa.JSON),
    #: A further recording of another call's conversation: it is shown under that one.
    sa.Column("main_id", sa.String(32), index=True),
    #: The outbound call that answered a missed one.
    sa.Column("called_back_id", sa.String(32)),
    #: The end by this server's clock, where it was seen or can be told.
    sa.Column("over_at", UTC),
    #: Seconds from then until it was in the list, at home, and analysed.
    sa.Column("listed_after_s", sa.Float),
    sa.Column("fetched_after_s", sa.Float),
    sa.Column("analysed_after_s", sa.Float),
    sa.Column("done_at", UTC),
    sa.Column("sentiment_score", sa.Float),
    sa.Column("sentiment_label", sa.String(20)),
    sa.Column("sentiment_trend", sa.String(20)),
    sa.Column("is_sentiment_uncertain", sa.Boolean),
    sa.Column("engine", sa.String(60)),
    sa.Column("is_low_accuracy", sa.Boolean),
    #: BCP 47, of the transcript.
    sa.Column("language", sa.String(20)),
    #: Of the key moments and the figures, what the list shows and filters.
    sa.Column("reason", sa.Text),
    sa.Column("talk_share", sa.Float),
    sa.Column("silence_share", sa.Float),
    sa.Column("interruptions", sa.Integer),
    sa.Column("open_promises", sa.Integer),
    sa.Column("updated_at", UTC, nullable=False, index=True),
    sa.Index("ix_call_direction_sort_key", "direction", "sort_key"),
    sa.Index("ix_call_sentiment_label_sort_key", "sentiment_label", "sort_key"),
    sa.Index("ix_call_extension_sort_key", "extension", "sort_key"),
    sa.Index("ix_call_state_sort_key", "state", "sort_key"),
    sa.Index("ix_call_disposition_sort_key", "disposition", "sort_key"),
    sa.Index("ix_call_pbx_id_linkedid", "pbx_id", "linkedid"),
    # How a PBX and a sync are doing is looked up every other second while somebody watches: by these alone.
    sa.Index("ix_call_pbx_id_sort_key", "pbx_id", "sort_key"),
    sa.Index("ix_call_pbx_id_state", "pbx_id", "state"),
    sa.Index("ix_call_pbx_id_done_at", "pbx_id", "done_at"),
    sa.Index("ix_call_sync_id_state", "sync_id", "state"),
)

recording = sa.Table(
    "recording",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("uniqueid", sa.Text),
    sa.Column("listed_format", sa.String(20), nullable=False),
    sa.Column("first_seen_at", UTC, nullable=False),
    #: It was old already when it was first seen: new calls come before it.
    sa.Column("is_backlog", sa.Boolean, nullable=False, server_default=sa.false()),
    #: Counts the times the recording was handed to the jobs; part of their ids.
    sa.Column("attempt", sa.Integer, nullable=False),
    #: Failures in a row since the last success or Retry.
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("next_try_at", UTC),
    sa.Column("seen_size_bytes", BIG),
    sa.Column("size_stood_since", UTC),
    sa.Column("archive_key", sa.String(200)),
    sa.Column("size_bytes", BIG),
    sa.Column("sha256", sa.String(64)),
    sa.Column("content_type", sa.String(80)),
    sa.Column("fetched_at", UTC),
    sa.Column("audio", sa.JSON),
    sa.Column("peaks", sa.JSON),
    sa.UniqueConstraint("pbx_id", "name"),
    sa.Index("ix_recording_pbx_id_fetched_at", "pbx_id", "fetched_at"),
    sa.Index("ix_recording_pbx_id_uniqueid", "pbx_id", "uniqueid"),
)

#: Where a PBX's call detail records are read from, if an administrator has said so.
cdr_source = sa.Table(
    "cdr_source",
    metadata,
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("database", sa.String(64), nullable=False),
    sa.Column("username", sa.String(80), nullable=False),
    #: Encrypted by the vault.
    sa.Column("password_sealed", sa.Text, nullable=False),
    sa.Column("use_tls", sa.Boolean, nullable=False),
    sa.Column("certificate", sa.Text),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("changed_at", UTC, nullable=False),
    #: Every leg that ended before is here, down to `backfilled_to`; null before the first reading.
    sa.Column("read_to", UTC),
    #: Older ones come later, stretch by stretch; `is_backfilled` when there is nothing older.
    sa.Column("backfilled_to", UTC),
    sa.Column("is_backfilled", sa.Boolean, nullable=False, server_default=sa.false()),
    #: How far the table's clock was ahead of UTC at the last reading.
    sa.Column("offset_min", sa.Integer),
    #: When it was last looked at, and when the next look is due; null for at once.
    sa.Column("read_at", UTC),
    sa.Column("next_read_at", UTC),
    #: Looks that failed since the last that did not.
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.JSON),
    #: Code of the error that stopped the reading until the settings change.
    sa.Column("blocked_by", sa.String(60)),
)

#: What the call detail records tell of each call, kept so that rows and recordings that come later find it.
cdr = sa.Table(
    "cdr",
    metadata,
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("linkedid", sa.String(150), primary_key=True),
    sa.Column("started_at", UTC, nullable=False),
    sa.Column("direction", sa.String(20), nullable=False),
    sa.Column("disposition", sa.String(20), nullable=False),
    #: The last digits of the outside party's number, to find a call back.
    sa.Column("number_tail", sa.String(20)),
    sa.Column("extension", sa.String(80)),
    sa.Column("queue_or_group", sa.Text),
    #: Whether the records name a recording of the call.
    sa.Column("is_recording_named", sa.Boolean, nullable=False),
    #: The call under which this is shown; null while it is not.
    sa.Column("call_id", sa.String(32)),
    #: The rows themselves, without what is empty.
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Index("ix_cdr_pbx_id_number_tail", "pbx_id", "number_tail", "started_at"),
    sa.Index("ix_cdr_pbx_id_started_at", "pbx_id", "started_at"),
)

#: Uniqueids and recording names of each call's legs.
cdr_key = sa.Table(
    "cdr_key",
    metadata,
    sa.Column("pbx_id", sa.ForeignKey("pbx.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("linkedid", sa.String(150), nullable=False),
)

stage = sa.Table(
    "stage",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("stage", sa.String(20), primary_key=True),
    #: `running`, `done`, `failed`, `waiting`.
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("started_at", UTC, nullable=False),
    sa.Column("finished_at", UTC),
    sa.Column("error", sa.JSON),
)

#: Apart from `call`, so that the list never reads text; keyed by the sort key, which is also the search index's row id.
transcript = sa.Table(
    "transcript",
    metadata,
    sa.Column("sort_key", BIG, primary_key=True, autoincrement=False),
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("turns", sa.JSON, nullable=False),
    sa.Column("engine", sa.String(60), nullable=False),
    sa.Column("model", sa.String(120), nullable=False),
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("speakers", sa.String(20), nullable=False),
    sa.Column("is_low_accuracy", sa.Boolean, nullable=False),
    sa.Column("made_at", UTC, nullable=False),
    #: Counts the transcripts of this call, from 1.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    #: What is known beside the words: non-speech, how speech, voices and language were found.
    sa.Column("facts", sa.JSON),
)

#: Transcripts that are not the call's present one: older ones, and new ones that nobody has accepted yet.
transcript_version = sa.Table(
    "transcript_version",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    #: `old` or `candidate`.
    sa.Column("state", sa.String(20), nullable=False),
    #: The rerun that made a candidate.
    sa.Column("rerun_id", sa.String(32)),
    sa.Column("turns", sa.JSON, nullable=False),
    sa.Column("engine", sa.String(60), nullable=False),
    sa.Column("model", sa.String(120), nullable=False),
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("speakers", sa.String(20), nullable=False),
    sa.Column("is_low_accuracy", sa.Boolean, nullable=False),
    sa.Column("facts", sa.JSON),
    sa.Column("made_at", UTC, nullable=False),
)

#: "Transcribe again with ...", for one call or for all that a filter finds.
rerun = sa.Table(
    "rerun",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("asked_at", UTC, nullable=False),
    #: Name of the account.
    sa.Column("asked_by", sa.String(80), nullable=False),
    #: A choice as `speech.plugins` has it, and a BCP 47 tag; null for what the settings say.
    sa.Column("engine", sa.String(160)),
    sa.Column("language", sa.String(20)),
    #: The list's address the calls were chosen with, "" for a single call.
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("is_cancelled", sa.Boolean, nullable=False, server_default=sa.false()),
)

rerun_call = sa.Table(
    "rerun_call",
    metadata,
    sa.Column("rerun_id", sa.ForeignKey("rerun.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    #: `queued`, `running`, `ready` (to be looked at), `failed`, `replaced`, `discarded`, `cancelled`.
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("error", sa.JSON),
    #: Words that differ between the two transcripts, and words of the longer one; null until it is ready.
    sa.Column("changed_words", sa.Integer),
    sa.Column("all_words", sa.Integer),
    sa.Column("changed_at", UTC, nullable=False),
    sa.Index("ix_rerun_call_call_id", "call_id"),
)

#: What people have put right in a transcript, line by line; nothing of it is ever deleted but with its call.
correction = sa.Table(
    "correction",
    metadata,
    sa.Column("id", BIG, primary_key=True),
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), nullable=False, index=True),
    #: The transcript's version it was made in, and the turn's position there.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    #: `correct`, or `restore` for going back to an earlier text.
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Column("made_by", sa.String(80), nullable=False),
    sa.Column("made_at", UTC, nullable=False),
    sa.Index("ix_correction_made_at", "made_at"),
)

#: What people have said of a call's speakers; it wins over what was found out, for ever.
call_speaker = sa.Table(
    "call_speaker",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("speaker", sa.String(20), primary_key=True),
    sa.Column("role", sa.String(20)),
    sa.Column("name", sa.String(80)),
    sa.Column("set_by", sa.String(80), nullable=False),
    sa.Column("set_at", UTC, nullable=False),
)

#: What people have said of the mood of turns; it wins over what was computed.
mood_correction = sa.Table(
    "mood_correction",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    #: The beginning of the text's SHA-256.
    sa.Column("text_key", sa.String(32), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("label", sa.String(20), nullable=False),
    #: What was computed; null in a language that is not covered.
    sa.Column("computed", sa.String(20)),
    #: BCP 47.
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("made_by", sa.String(80), nullable=False),
    sa.Column("made_at", UTC, nullable=False),
)

#: Names and terms that engines are told to favour.
vocabulary = sa.Table(
    "vocabulary",
    metadata,
    sa.Column("phrase", sa.String(80), primary_key=True),
    #: `typed` in the settings or `learned` from a correction.
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("added_by", sa.String(80), nullable=False),
    sa.Column("added_at", UTC, nullable=False),
)

insight = sa.Table(
    "insight",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    #: The whole of it, as `model.Insight` has it.
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("made_at", UTC, nullable=False),
    #: The words, the speakers or the rules have changed since.
    sa.Column("is_stale", sa.Boolean, nullable=False, server_default=sa.false(), index=True),
    #: The wish that wants it made anew; null for one that nobody asked for.
    sa.Column("renewal_id", sa.String(32), index=True),
)

#: "Analyse again": the calls whose insight is to be made anew, because the rules changed or a person wants it.
renewal = sa.Table(
    "renewal",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("asked_at", UTC, nullable=False),
    #: Name of the account.
    sa.Column("asked_by", sa.String(80), nullable=False),
    #: The list's address the calls were chosen with, "" for all.
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("is_cancelled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("finished_at", UTC),
)

#: What a language model wrote about a call, or why it did not.
generated = sa.Table(
    "generated",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    #: `queued`, `running`, `done`, `failed`, `skipped`, `cancelled`.
    sa.Column("state", sa.String(20), nullable=False, index=True),
    #: Counts the wishes; only the newest acts.
    sa.Column("attempt", sa.Integer, nullable=False),
    #: Name of the account, "" when it was made because the call was done.
    sa.Column("asked_by", sa.String(80), nullable=False),
    #: As `model.Generated` has it; stays when a later attempt fails.
    sa.Column("body", sa.JSON),
    #: Of the model, the version of the rules and the words that were sent.
    sa.Column("cache_key", sa.String(64), index=True),
    #: Used by every attempt, both ways.
    sa.Column("tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.JSON),
    sa.Column("changed_at", UTC, nullable=False),
    sa.Column("made_at", UTC),
)

#: What language models have used, by day.
generated_usage = sa.Table(
    "generated_usage",
    metadata,
    #: ISO date in UTC.
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("tokens", BIG, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
)

#: Categories of calls: what people call them, and the rules that find them.
category = sa.Table(
    "category",
    metadata,
    sa.Column("id", sa.String(60), primary_key=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("colour", sa.String(20), nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    #: The rules as plain data, as YAML has them.
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    #: The ready pack it came from, "" if a person made it.
    sa.Column("pack", sa.String(60), nullable=False),
    #: Counts the changes of its rules, from 1.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_by", sa.String(80), nullable=False),
    sa.Column("changed_at", UTC, nullable=False),
)

#: Which calls belong to which category, with the places in the call that say so.
call_category = sa.Table(
    "call_category",
    metadata,
    sa.Column("call_id", sa.ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("category_id", sa.ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sort_key", BIG, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Index("ix_call_category_category_id_sort_key", "category_id", "sort_key"),
)

#: Applying the present categories to every call there is, newest first; `below` says how far it came.
categorising = sa.Table(
    "categorising",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("asked_at", UTC, nullable=False),
    sa.Column("asked_by", sa.String(80), nullable=False),
    #: The one category it is about; null for all.
    sa.Column("category_id", sa.String(60)),
    #: `queued`, `running`, `done`, `cancelled`.
    sa.Column("state", sa.String(20), nullable=False),
    #: Calls with a sort key from here on are done; null before the first portion.
    sa.Column("below", BIG),
    sa.Column("call_count", sa.Integer, nullable=False),
    sa.Column("done_count", sa.Integer, nullable=False),
    sa.Column("hit_count", sa.Integer, nullable=False),
    sa.Column("finished_at", UTC),
)
