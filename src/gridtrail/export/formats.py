"""The kinds of files that events are exported to."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    """What a file of events is."""

    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"
