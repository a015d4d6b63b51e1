"""What the PBX side needs: events, filters, load, and the facts that events and call detail records tell."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Index to its table and columns.
INDEXES = {
    "ix_call_disposition_sort_key": ("call", ["disposition", "sort_key"]),
    "ix_call_main_id": ("call", ["main_id"]),
    "ix_call_pbx_id_done_at": ("call", ["pbx_id", "done_at"]),
    "ix_call_pbx_id_linkedid": ("call", ["pbx_id", "linkedid"]),
    "ix_call_pbx_id_sort_key": ("call", ["pbx_id", "sort_key"]),
    "ix_call_pbx_id_state": ("call", ["pbx_id", "state"]),
    "ix_call_sync_id_state": ("call", ["sync_id", "state"]),
    "ix_recording_pbx_id_fetched_at": ("recording", ["pbx_id", "fetched_at"]),
}

#: The ones above begin with their columns and do their work.
SUPERSEDED = {"ix_call_pbx_id": ("call", ["pbx_id"]), "ix_call_sync_id": ("call", ["sync_id"])}


def columns() -> dict[str, list[sa.Column[Any]]]:
    """Table to the columns it gets."""
    return {
        "pbx": [
            sa.Column("zone", sa.String(length=60)),
            sa.Column("fetch_since", tables.UTC()),
            sa.Column("filters", sa.JSON()),
            sa.Column("downloads_at_once", sa.Integer(), nullable=False, server_default="2"),
            sa.Column("backlog_per_min", sa.Integer()),
            sa.Column("is_backlog_paused", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("hears_events", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("events_state", sa.String(length=20)),
            sa.Column("events_changed_at", tables.UTC()),
            sa.Column("events_error", sa.JSON()),
            sa.Column("failed_lists", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("last_list_s", sa.Float()),
            sa.Column("clock_skew_s", sa.Float()),
        ],
        "sync": [
            sa.Column("skipped_count", sa.Integer()),
            sa.Column("list_s", sa.Float()),
        ],
        "call": [
            sa.Column("linkedid", sa.Text()),
            sa.Column("caller_name", sa.Text()),
            sa.Column("callee_name", sa.Text()),
            sa.Column("did", sa.Text()),
            sa.Column("context", sa.Text()),
            sa.Column("answered_at", tables.UTC()),
            sa.Column("hung_up_at", tables.UTC()),
            sa.Column("ring_s", sa.Float()),
            sa.Column("talk_s", sa.Float()),
            sa.Column("hangup_cause", sa.Integer()),
            sa.Column("hangup_text", sa.Text()),
            sa.Column("disposition", sa.String(length=20)),
            sa.Column("transfers", sa.JSON()),
            sa.Column("main_id", sa.String(length=32)),
            sa.Column("called_back_id", sa.String(length=32)),
            sa.Column("over_at", tables.UTC()),
            sa.Column("listed_after_s", sa.Float()),
            sa.Column("fetched_after_s", sa.Float()),
            sa.Column("analysed_after_s", sa.Float()),
            sa.Column("done_at", tables.UTC()),
        ],
        "recording": [
            sa.Column("is_backlog", sa.Boolean(), nullable=False, server_default=sa.false()),
        ],
    }


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    for name, (table, indexed) in INDEXES.items():
        op.create_index(name, table, indexed)
    for name, (table, _) in SUPERSEDED.items():
        op.drop_index(name, table)


def downgrade() -> None:
    for name, (table, indexed) in SUPERSEDED.items():
        op.create_index(name, table, indexed)
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
