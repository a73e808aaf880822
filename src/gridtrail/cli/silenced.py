"""`gridtrail detect --silenced`: what was found and not said, and why."""

from __future__ import annotations

from gridtrail.cli.context import Session
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, column
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted
from gridtrail.export.values import iso_seconds

COLUMNS = [
    Column("time", lambda row: iso_seconds(row["at"]), whole=True),
    column("why", widest=40),
    column("detector"),
    column("subject"),
    column("words", widest=120),
]
FIELDS = ["org", "at", "why", "detector", "subject", "event_id", "score_millinats", "words"]


def list_silenced(run: Session, org: str | None, output: Format) -> None:
    """Print every silenced anomaly, the newest first."""
    from gridtrail.detect.state import SILENCED

    where = {} if org is None else {"org": org}
    run.lake.view(SILENCED, "_silenced", **where)
    columns = ", ".join(f'"{name}"' for name in FIELDS)
    rows = run.lake.engine.rows(
        f'SELECT {columns} FROM _silenced ORDER BY "at" DESC, event_id, detector'
    ).to_pylist()
    listing(rows, output, table=COLUMNS, fields=FIELDS)
    say(f"{counted(len(rows), 'silenced anomaly', 'silenced anomalies')}.")
