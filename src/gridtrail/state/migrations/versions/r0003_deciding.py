"""Who looks after a finding, why it was decided so, and what it was computed from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; a database whose revisions were not counted may have them."""
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("findings")}
    for name in ("assignee", "verdict_reason", "inputs"):
        if name not in known:
            op.add_column("findings", sa.Column(name, sa.Text))
