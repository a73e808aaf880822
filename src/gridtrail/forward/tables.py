"""The tables of forwarding: how far each target has come, and what it would not take."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

targets = sa.Table(
    "forward_targets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.JSON, nullable=False),  # `position.Position`
    sa.Column("sent", sa.BigInteger, nullable=False),  # records delivered, ever
    sa.Column("refused", sa.BigInteger, nullable=False),  # records left out, ever
    sa.Column("last_sent_at", sa.BigInteger),  # seconds since the epoch, as all times
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("why", sa.Text, nullable=False),  # what went wrong last; empty when it works
)
"""One row a target."""

refused = sa.Table(
    "forward_refused",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("org", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)
"""One row a record that could not be converted, or that the far side refuses for good."""
