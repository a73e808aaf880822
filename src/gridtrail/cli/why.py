"""`gridtrail findings --why ID`: parts of the score, counts behind it, what would lower it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridtrail.cli.page import Page
from gridtrail.cli.story import SEVERITY_STYLES
from gridtrail.cli.table import Column, column

_PART_COLUMNS = [
    column("part"),
    column("name"),
    Column("nats", lambda row: f"{row['nats']:.1f}", right=True),
    column("words", "because", widest=80),
]
_COUNT_COLUMNS = [
    column("actor", "who"),
    column("reason"),
    column("days", "in days", right=True),
    column("count", "now", right=True),
    column("person_most", "their most", right=True),
    column("organization_most", "anybody's most", right=True),
    Column("probability", lambda row: f"{row['probability']:.2g}", right=True),
    Column("anybody", lambda row: f"{row['organization_probability']:.2g}", right=True),
]


def print_why(told: Mapping[str, Any]) -> None:
    """Print what `gridtrail.triage.why.why` says, as a page."""
    page = Page()
    style = SEVERITY_STYLES.get(told["severity"], "")
    page.title(told["title"], badge=told["severity"].upper(), style=style)
    nats = "unknown" if told["nats"] is None else f"{told['nats']:.1f} nats"
    page.paragraph(f"{told['id']}   score {told['score']:.1f}   sum {nats}", style="dim")
    page.heading("Parts of the score")
    page.table(_PART_COLUMNS, told["parts"])
    bands = ", ".join(f"{name} from {start:g}" for name, start in told["bands"].items())
    page.paragraph(f"Bands: {bands}; the pattern {told['pattern']} holds the severity.")
    if told["counts"]:
        page.heading("How often, against all that was before")
        page.table(_COUNT_COLUMNS, told["counts"])
    page.heading("It would have been lower with")
    for text in told["lower"]:
        page.item("-", text)
    page.print()
