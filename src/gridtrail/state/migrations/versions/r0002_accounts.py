"""Accounts, their one-time links and sessions, and the audit trail that waits for the lake."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables; a database made before this revision may have them."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("signed_in_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        if_not_exists=True,
    )
    op.create_index("ix_accounts_email", "accounts", ["email"], if_not_exists=True)
    op.create_table(
        "account_links",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id")),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"], if_not_exists=True)
    op.create_table(
        "trail",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
