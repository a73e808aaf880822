"""From the anomalies in the lake to the findings in the store."""

from __future__ import annotations

from typing import Protocol

from gridtrail.engine.duckdb import DuckDB
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding


class Lake(Protocol):
    """What triage needs of the lake."""

    def events_view(
        self, name: str, *, org: str | None, oldest: int | None, latest: int | None
    ) -> None:
        """Make events readable as the view `name` in the engine's session."""


def triage(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    org: str | None = None,
    oldest: int | None = None,
    latest: int | None = None,
) -> list[Finding]:
    """Recompute and store every finding that has an anomaly between `oldest` and `latest`.

    `oldest`, `latest` are seconds since the epoch, inclusive; None means no bound. `org` None
    means every organization. Returns those findings, worst first, with the status and verdict
    that people gave them. Findings live in `settings.data / "state.db"`.
    """
    raise NotImplementedError
