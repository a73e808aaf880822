"""The tables of notifications: what is to be told, what was told, and how each channel fares."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

messages = sa.Table(
    "notify_messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),  # in the order of telling
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # see `notify.message`
    sa.Column("state", sa.Text, nullable=False),  # waiting, sent, dead, joined
    sa.Column("joined_to", sa.Text),  # the message that tells what this one would have told
    sa.Column("about", sa.Text),  # of an update: the notice that it brings up to date
    sa.Column("finding_ids", sa.JSON, nullable=False),
    sa.Column("severity_rank", sa.Integer, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),  # seconds since the epoch, as all times
    sa.Column("due_at", sa.BigInteger, nullable=False),  # not before
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("done_at", sa.BigInteger),  # when it was sent, or given up
    sa.Column("said", sa.Text, nullable=False),  # what went wrong last
    sa.Column("reference", sa.Text),  # where the far side keeps it
    sa.Index("notify_messages_by_state", "channel", "state", "number"),
)
"""The outbox, one row a message and channel."""

told = sa.Table(
    "notify_told",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("finding_id", sa.Text, primary_key=True),
    sa.Column("severity_rank", sa.Integer, nullable=False),  # the worst that was told
    sa.Column("digest", sa.Text, nullable=False),  # of what was told last
    sa.Column("message_id", sa.Text, nullable=False),  # the notice that tells of it
)
"""What each channel knows of each finding."""

channels = sa.Table(
    "notify_channels",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("open_at", sa.BigInteger, nullable=False),  # not tried before
    sa.Column("leased_to", sa.Text),  # the process that sends
    sa.Column("leased_until", sa.BigInteger, nullable=False),
)
"""How each channel fares, and who sends in it."""

marks = sa.Table(
    "notify_marks",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""Positions: the last change of findings that was looked at, the time of the last digest."""

conditions = sa.Table(
    "notify_conditions",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("bad", sa.Boolean, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),  # that it is bad
    sa.Column("text", sa.Text, nullable=False),
)
"""How Gridtrail's own work fares, as far as it was told."""
