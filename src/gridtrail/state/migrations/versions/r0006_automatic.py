"""Decisions of the automatic response; whom an allow-list entry is for, and whether its end was
told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make table and columns; a database whose revisions were not counted may have them."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("person_name", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("happened", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("sessions", sa.JSON, nullable=False),
        sa.Column("batches", sa.JSON, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("finding_id", "person", "rule", "cause", name="decisions_once"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("decisions_by_person", "decisions", ["org", "person", "at"], if_not_exists=True)
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("allow_entries")}
    if "org" not in known:
        op.add_column("allow_entries", sa.Column("org", sa.Text))
    if "expiry_told_at" not in known:
        op.add_column("allow_entries", sa.Column("expiry_told_at", sa.BigInteger))
