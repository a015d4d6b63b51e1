"""What call detail records need: where they are read, what they tell, and how recordings find them."""

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cdr_source",
        sa.Column("pbx_id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("database", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("password_sealed", sa.Text(), nullable=False),
        sa.Column("use_tls", sa.Boolean(), nullable=False),
        sa.Column("certificate", sa.Text()),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", tables.UTC(), nullable=False),
        sa.Column("read_to", tables.UTC()),
        sa.Column("backfilled_to", tables.UTC()),
        sa.Column("is_backfilled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("offset_min", sa.Integer()),
        sa.Column("read_at", tables.UTC()),
        sa.Column("next_read_at", tables.UTC()),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.JSON()),
        sa.Column("blocked_by", sa.String(length=60)),
        sa.ForeignKeyConstraint(["pbx_id"], ["pbx.id"], name=op.f("fk_cdr_source_pbx_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pbx_id", name=op.f("pk_cdr_source")),
    )
    op.create_table(
        "cdr",
        sa.Column("pbx_id", sa.String(length=32), nullable=False),
        sa.Column("linkedid", sa.String(length=150), nullable=False),
        sa.Column("started_at", tables.UTC(), nullable=False),
        sa.Column("direction", sa.String(length=20), nullable=False),
        sa.Column("disposition", sa.String(length=20), nullable=False),
        sa.Column("number_tail", sa.String(length=20)),
        sa.Column("extension", sa.String(length=80)),
        sa.Column("queue_or_group", sa.Text()),
        sa.Column("is_recording_named", sa.Boolean(), nullable=False),
        sa.Column("call_id", sa.String(length=32)),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["pbx_id"], ["pbx.id"], name=op.f("fk_cdr_pbx_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pbx_id", "linkedid", name=op.f("pk_cdr")),
    )
    op.create_index("ix_cdr_pbx_id_number_tail", "cdr", ["pbx_id", "number_tail", "started_at"])
    op.create_index("ix_cdr_pbx_id_started_at", "cdr", ["pbx_id", "started_at"])
    op.create_table(
        "cdr_key",
        sa.Column("pbx_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("linkedid", sa.String(length=150), nullable=False),
        sa.ForeignKeyConstraint(["pbx_id"], ["pbx.id"], name=op.f("fk_cdr_key_pbx_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pbx_id", "key", name=op.f("pk_cdr_key")),
    )
    op.create_index("ix_recording_pbx_id_uniqueid", "recording", ["pbx_id", "uniqueid"])


def downgrade() -> None:
    op.drop_index("ix_recording_pbx_id_uniqueid", "recording")
    op.drop_table("cdr_key")
    op.drop_index("ix_cdr_pbx_id_started_at", "cdr")
    op.drop_index("ix_cdr_pbx_id_number_tail", "cdr")
    op.drop_table("cdr")
    op.drop_table("cdr_source")
