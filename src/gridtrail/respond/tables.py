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

response_steps = sa.Table(
    "response_steps",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),  # in the order of time
    sa.Column("response_id", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("what", sa.Text, nullable=False),  # `steps.What`
    sa.Column("by", sa.Text, nullable=False),  # empty for what happens by itself
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text),  # Slack's own event
    sa.Index("response_steps_by_response", "response_id"),
    sqlite_autoincrement=True,
)
"""How each response went; see `steps`."""

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
    sa.Column("org", sa.Text),  # the organization it is for; null is all
    sa.Column("expiry_told_at", sa.BigInteger),  # when it was said that it has expired
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),  # in the order of time
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("finding_id", sa.Text, nullable=False),  # empty for the brake, as the next four
    sa.Column("person", sa.Text, nullable=False),  # a Slack id
    sa.Column("person_name", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),  # id of the anomaly or hit that decided
    sa.Column("happened", sa.BigInteger, nullable=False),  # when the flagged action did
    sa.Column("action", sa.Text, nullable=False),  # `do` of the rule; stop, release for the brake
    sa.Column("mode", sa.Text, nullable=False),  # record or act
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("sessions", sa.JSON, nullable=False),  # a list, for end_sessions
    sa.Column("batches", sa.JSON, nullable=False),  # of the responses it made
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("finding_id", "person", "rule", "cause", name="decisions_once"),
    sa.Index("decisions_by_person", "org", "person", "at"),
    sqlite_autoincrement=True,
)
"""What the automatic response decided; see `decisions`."""

thresholds = sa.Table(
    "thresholds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("org", sa.Text),  # the organization it is for; null is all
    sa.Column("per_1000_users_day", sa.Double, nullable=False),  # what thresholds are made for
    sa.Column("since", sa.BigInteger, nullable=False),  # seconds, midnight of its first UTC day
    sa.Column("until", sa.BigInteger),  # midnight after its last day; null while it holds
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_at", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("origin", sa.Text, nullable=False),  # console, API, command line or a proposal's id
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", sa.BigInteger),
)
"""What people put in force for detectors; see `thresholds`."""
