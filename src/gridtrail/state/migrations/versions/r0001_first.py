"""Findings with what people said of them, and API tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first tables; a database made before revisions were counted has some of them."""
    _findings()
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        if_not_exists=True,
    )


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("severity_rank", sa.Integer, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("decided_events", sa.Integer),
        sa.Column("decided_score", sa.Float),
        sa.Column("merged_into", sa.Text, sa.ForeignKey("findings.id")),
        if_not_exists=True,
    )
    op.create_index("findings_by_org_time", "findings", ["org", "last_seen"], if_not_exists=True)
    op.create_table(
        "finding_anomalies",
        sa.Column("org", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        _finding_id(),
        if_not_exists=True,
    )
    op.create_table(
        "finding_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        _finding_id(),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        if_not_exists=True,
    )
    for table in ("finding_anomalies", "finding_notes"):
        op.create_index(f"ix_{table}_finding_id", table, ["finding_id"], if_not_exists=True)


def _finding_id() -> sa.Column[str]:
    return sa.Column("finding_id", sa.Text, sa.ForeignKey("findings.id"), nullable=False)
