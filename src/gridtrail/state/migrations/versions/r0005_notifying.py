"""The outbox of notifications, and the order in which findings change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make tables and columns; a database whose revisions were not counted may have them."""
    _findings()
    _messages()
    op.create_table(
        "notify_told",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("finding_id", sa.Text, primary_key=True),
        sa.Column("severity_rank", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "notify_channels",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("open_at", sa.BigInteger, nullable=False),
        sa.Column("leased_to", sa.Text),
        sa.Column("leased_until", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "notify_marks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "notify_conditions",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("bad", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        if_not_exists=True,
    )


def _findings() -> None:
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("findings")}
    if "change" not in known:
        zero = sa.Column("change", sa.BigInteger, nullable=False, server_default="0")
        op.add_column("findings", zero)
    for name in ("made_at", "decided_at"):
        if name not in known:
            op.add_column("findings", sa.Column(name, sa.BigInteger))
    op.create_index("findings_by_change", "findings", ["change"], if_not_exists=True)


def _messages() -> None:
    op.create_table(
        "notify_messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False, unique=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("joined_to", sa.Text),
        sa.Column("about", sa.Text),
        sa.Column("finding_ids", sa.JSON, nullable=False),
        sa.Column("severity_rank", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        if_not_exists=True,
    )
    op.create_index(
        "notify_messages_by_state",
        "notify_messages",
        ["channel", "state", "number"],
        if_not_exists=True,
    )
