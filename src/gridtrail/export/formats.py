"""The kinds of files that events are exported to."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    """What a file of events is."""

    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"
    ocsf = "ocsf"
    ecs = "ecs"


RECORD_FORMATS = (ExportFormat.ndjson, ExportFormat.ocsf, ExportFormat.ecs)
"""Formats of which each line is one record by itself, so that they can be sent on."""
