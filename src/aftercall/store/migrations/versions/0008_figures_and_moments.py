"""What the list shows and filters of the figures and key moments; filled as calls are analysed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("reason", sa.Text()),
        sa.Column("talk_share", sa.Float()),
        sa.Column("silence_share", sa.Float()),
        sa.Column("interruptions", sa.Integer()),
        sa.Column("open_promises", sa.Integer()),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("call", column)
    # What was analysed before knows no figures: it is done anew.
    op.execute("update insight set is_stale = true")


def downgrade() -> None:
    for column in reversed(columns()):
        op.drop_column("call", column.name)
