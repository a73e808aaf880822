"""The steps of each response; of those before, as many as their rows tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table, and fill it."""
    if sa.inspect(op.get_bind()).has_table("response_steps"):
        return
    op.create_table(
        "response_steps",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("response_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("response_steps_by_response", "response_steps", ["response_id"])
    known = sa.Table("responses", sa.MetaData(), autoload_with=op.get_bind()).c
    none, nobody = sa.null().cast(sa.Text), sa.literal("")
    steps = (
        (known.asked_at, sa.literal("asked"), known.asked_by, nobody, none, sa.true()),
        (
            sa.func.coalesce(known.called_at, known.changed_at), sa.literal("approved"),
            known.approved_by, nobody, none, known.approved_by.is_not(None),
        ),
        (
            known.called_at, sa.literal("called"), nobody, nobody, none,
            known.called_at.is_not(None),
        ),
        (
            known.changed_at, sa.case((known.state == "requested", "unclear"), else_=known.state),
            nobody, known.said, known.event_id, known.said != "",
        ),
    )  # fmt: skip
    table = sa.table(
        "response_steps",
        *(sa.column(name) for name in ("response_id", "at", "what", "by", "said", "event_id")),
    )
    for at, what, by, said, event, where in steps:
        rows = sa.select(known.id, at, what, by, said, event).where(where)
        names = ("response_id", "at", "what", "by", "said", "event_id")
        op.execute(table.insert().from_select(names, rows.order_by(known.asked_at, known.id)))
