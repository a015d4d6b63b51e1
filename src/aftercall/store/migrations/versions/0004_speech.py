"""What speech needs: versions of a transcript, corrections, speakers as people named them, runs over many calls."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def columns() -> dict[str, list[sa.Column[Any]]]:
    """Table to the columns it gets."""
    return {
        "call": [sa.Column("language", sa.String(length=20))],
        "transcript": [
            sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
            sa.Column("facts", sa.JSON()),
        ],
    }


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.execute("update call set language = (select language from transcript where transcript.call_id = call.id)")
    op.create_table(
        "transcript_version",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rerun_id", sa.String(length=32)),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("engine", sa.String(length=60), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("speakers", sa.String(length=20), nullable=False),
        sa.Column("is_low_accuracy", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON()),
        sa.Column("made_at", tables.UTC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_transcript_version_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "version", name=op.f("pk_transcript_version")),
    )
    op.create_table(
        "rerun",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", tables.UTC(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("engine", sa.String(length=160)),
        sa.Column("language", sa.String(length=20)),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rerun")),
    )
    op.create_table(
        "rerun_call",
        sa.Column("rerun_id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("error", sa.JSON()),
        sa.Column("changed_words", sa.Integer()),
        sa.Column("all_words", sa.Integer()),
        sa.Column("changed_at", tables.UTC(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_rerun_call_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rerun_id"], ["rerun.id"], name=op.f("fk_rerun_call_rerun_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rerun_id", "call_id", name=op.f("pk_rerun_call")),
    )
    op.create_index("ix_rerun_call_call_id", "rerun_call", ["call_id"])
    op.create_table(
        "correction",
        sa.Column("id", tables.BIG, nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", tables.UTC(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_correction_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index("ix_correction_call_id", "correction", ["call_id"])
    op.create_index("ix_correction_made_at", "correction", ["made_at"])
    op.create_table(
        "call_speaker",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("speaker", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20)),
        sa.Column("name", sa.String(length=80)),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", tables.UTC(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_speaker_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "speaker", name=op.f("pk_call_speaker")),
    )
    op.create_table(
        "vocabulary",
        sa.Column("phrase", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", tables.UTC(), nullable=False),
        sa.PrimaryKeyConstraint("phrase", name=op.f("pk_vocabulary")),
    )


def downgrade() -> None:
    for table in ("vocabulary", "call_speaker", "correction", "rerun_call", "rerun", "transcript_version"):
        op.drop_table(table)
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
