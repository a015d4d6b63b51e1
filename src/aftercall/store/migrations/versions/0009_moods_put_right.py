"""What people say of the mood of turns; moods that the rules alone have judged are judged anew."""

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mood_correction",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("text_key", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("computed", sa.String(length=20)),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", tables.UTC(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_mood_correction_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "text_key", name=op.f("pk_mood_correction")),
    )
    op.execute("update insight set is_stale = true")


def downgrade() -> None:
    op.drop_table("mood_correction")
