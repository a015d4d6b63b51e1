"""What a language model wrote about calls, and what that used."""

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generated",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("body", sa.JSON()),
        sa.Column("cache_key", sa.String(length=64)),
        sa.Column("tokens", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.JSON()),
        sa.Column("changed_at", tables.UTC(), nullable=False),
        sa.Column("made_at", tables.UTC()),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_generated_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_generated")),
    )
    op.create_index("ix_generated_state", "generated", ["state"])
    op.create_index("ix_generated_cache_key", "generated", ["cache_key"])
    op.create_table(
        "generated_usage",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("tokens", tables.BIG, nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_generated_usage")),
    )


def downgrade() -> None:
    op.drop_table("generated_usage")
    op.drop_table("generated")
