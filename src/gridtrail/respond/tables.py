"""The tables of acting: what was asked of Slack and how it went, and the allow list."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

responses = sa.Table(
    "responses",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("batch", sa.Text, nullable=False),  # the same for all of one call
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),  # reset, reset_bulk or invalidate
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("devices", sa.Text, nullable=False),  # all, mobile or web
    sa.Column("session_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("finding_id", sa.Text),
    sa.Column("said", sa.Text, nullable=False),  # what Slack said, or what is known instead
    sa.Column("event_id", sa.Text),  # Slack's own event that confirms it
    sa.Column("asked_at", sa.BigInteger, nullable=False),  # seconds since the epoch, as all times
    sa.Column("called_at", sa.BigInteger),  # just before the call
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("responses_by_user", "org", "user_id", "asked_at"),
)
"""One row a person and signing out."""

allow_entries = sa.Table(
    "allow_entries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("cidr", sa.Text),
    sa.Column("asn", sa.BigInteger),
    sa.Column("client", sa.Text),
    sa.Column("user_agent", sa.Text),
    sa.Column("user_id", sa.Text),
    sa.Column("app", sa.Text),
    sa.Column("reasons", sa.JSON, nullable=False),  # a list of codes; empty means all
    sa.Column("since", sa.BigInteger),  # seconds since the epoch; null is always
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("removed_at", sa.BigInteger),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # why it is good
    sa.Column("origin", sa.Text, nullable=False),  # gridtrail, or slack when it was pulled
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("removed_by", sa.Text),
    sa.Column("at_slack", sa.Boolean, nullable=False),  # known to be in Slack's list
)
