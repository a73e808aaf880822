"""The tables of the store, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Column("first_seen", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("severity_rank", sa.Integer, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),  # number of anomalies
    sa.Column("body", sa.JSON, nullable=False),  # the whole finding as computed
    # what people decided
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text),
    sa.Column("decided_events", sa.Integer),  # anomalies when it was decided
    sa.Column("decided_score", sa.Float),
    sa.Column("merged_into", sa.Text, sa.ForeignKey("findings.id")),
    sa.Column("assignee", sa.Text),
    sa.Column("verdict_reason", sa.Text),
    sa.Column("inputs", sa.Text),  # digest of what it was computed from (`triage.inputs`)
    sa.Column("change", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("made_at", sa.BigInteger),  # seconds since the epoch; null: before this was kept
    sa.Column("decided_at", sa.BigInteger),
    sa.Index("findings_by_org_time", "org", "last_seen"),
    sa.Index("findings_by_change", "change"),
)

next_change = sa.select(
    sa.func.coalesce(sa.func.max(findings.alias("any").c.change), 0) + 1
).scalar_subquery()
"""The number of the next change of any finding: writers follow each other, so that whoever has
seen all changes up to a number has missed none."""

finding_anomalies = sa.Table(
    "finding_anomalies",
    metadata,
    sa.Column("org", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("finding_id", sa.Text, sa.ForeignKey("findings.id"), nullable=False, index=True),
)
"""Which finding an anomaly belongs to: how a finding is known again."""

finding_notes = sa.Table(
    "finding_notes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("finding_id", sa.Text, sa.ForeignKey("findings.id"), nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
