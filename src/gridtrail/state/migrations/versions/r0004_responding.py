"""What was asked of Slack and how it went, and the allow list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables; a database whose revisions were not counted may have them."""
    _responses()
    op.create_table(
        "allow_entries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("cidr", sa.Text),
        sa.Column("asn", sa.BigInteger),
        sa.Column("client", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("user_id", sa.Text),
        sa.Column("app", sa.Text),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("removed_at", sa.BigInteger),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("removed_by", sa.Text),
        sa.Column("at_slack", sa.Boolean, nullable=False),
        if_not_exists=True,
    )


def _responses() -> None:
    op.create_table(
        "responses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("devices", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("finding_id", sa.Text),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("called_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "responses_by_user", "responses", ["org", "user_id", "asked_at"], if_not_exists=True
    )
