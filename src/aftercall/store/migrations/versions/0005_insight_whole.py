"""The insight of a call as one whole, and the wishes to make it anew."""

import json

import sqlalchemy as sa
from alembic import op

from aftercall.store import tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("insight", sa.Column("body", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("insight", sa.Column("is_stale", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("insight", sa.Column("renewal_id", sa.String(length=32)))
    db = op.get_bind()
    for row in db.execute(sa.text("select call_id, turns, sentiment from insight")).all():
        # On a text column the database hands out text, on a JSON column what it means.
        turns, sentiment = (json.loads(each) if isinstance(each, str) else each for each in row[1:])
        db.execute(
            sa.text("update insight set body = :body where call_id = :call_id"),
            {"body": json.dumps({"turns": turns, "sentiment": sentiment}), "call_id": row.call_id},
        )
    with op.batch_alter_table("insight") as table:
        table.alter_column("body", server_default=None)
        table.drop_column("turns")
        table.drop_column("sentiment")
    op.create_index("ix_insight_is_stale", "insight", ["is_stale"])
    op.create_index("ix_insight_renewal_id", "insight", ["renewal_id"])
    op.create_table(
        "renewal",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", tables.UTC(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("finished_at", tables.UTC()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal")),
    )


def downgrade() -> None:
    op.drop_table("renewal")
    op.add_column("insight", sa.Column("turns", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("insight", sa.Column("sentiment", sa.JSON(), nullable=False, server_default="{}"))
    db = op.get_bind()
    for row in db.execute(sa.text("select call_id, body from insight")).all():
        body = json.loads(row.body) if isinstance(row.body, str) else row.body
        db.execute(
            sa.text("update insight set turns = :turns, sentiment = :sentiment where call_id = :call_id"),
            {
                "turns": json.dumps(body["turns"]),
                "sentiment": json.dumps(body["sentiment"]),
                "call_id": row.call_id,
            },
        )
    op.drop_index("ix_insight_renewal_id", "insight")
    op.drop_index("ix_insight_is_stale", "insight")
    with op.batch_alter_table("insight") as table:
        table.alter_column("turns", server_default=None)
        table.alter_column("sentiment", server_default=None)
        for name in ("renewal_id", "is_stale", "body"):
            table.drop_column(name)
