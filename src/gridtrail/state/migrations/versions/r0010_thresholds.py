"""What people put in force for detectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "thresholds",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("org", sa.Text),
        sa.Column("per_1000_users_day", sa.Double, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_at", sa.BigInteger),
        if_not_exists=True,
    )
