"""How far each target of forwarding has come, and what it would not take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables; a database whose revisions were not counted may have them."""
    op.create_table(
        "forward_targets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.JSON, nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("last_sent_at", sa.BigInteger),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("why", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "forward_refused",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        if_not_exists=True,
    )
