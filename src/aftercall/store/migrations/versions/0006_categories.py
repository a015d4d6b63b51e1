"""Categories of calls: their rules, which calls belong to them, and applying them to the past."""

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("colour", sa.String(length=20), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("pack", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", tables.UTC(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_table(
        "call_category",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("category_id", sa.String(length=60), nullable=False),
        sa.Column("sort_key", tables.BIG, nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_category_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_call_category_category_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "category_id", name=op.f("pk_call_category")),
    )
    op.create_index("ix_call_category_category_id_sort_key", "call_category", ["category_id", "sort_key"])
    op.create_table(
        "categorising",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", tables.UTC(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("category_id", sa.String(length=60)),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("below", tables.BIG),
        sa.Column("call_count", sa.Integer(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("hit_count", sa.Integer(), nullable=False),
        sa.Column("finished_at", tables.UTC()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categorising")),
    )


def downgrade() -> None:
    for table in ("categorising", "call_category", "category"):
        op.drop_table(table)
