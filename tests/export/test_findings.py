"""Findings out to a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from gridtrail.export.findings import FINDING_COLUMNS, write_findings
from gridtrail.export.formats import ExportFormat
from gridtrail.triage.finding import Finding


def written(findings: list[dict[str, Any]], kind: ExportFormat) -> bytes:
    out = io.BytesIO()
    assert write_findings(findings, kind, out) == len(findings)
    return out.getvalue()


def test_columns_are_the_contract(finding: dict[str, Any]) -> None:
    """The columns are the fields of a finding, in its order."""
    assert list(FINDING_COLUMNS) == list(Finding.from_json(finding).to_json())


def test_formats_hold_the_same(finding: dict[str, Any]) -> None:
    """NDJSON, CSV and Parquet hold the same finding."""
    assert json.loads(written([finding], ExportFormat.ndjson)) == finding
    cells = next(csv.DictReader(io.StringIO(written([finding], ExportFormat.csv).decode())))
    assert cells["title"] == finding["title"]
    assert json.loads(cells["ips"]) == finding["ips"]
    row = pq.read_table(io.BytesIO(written([finding], ExportFormat.parquet))).to_pylist()[0]
    assert json.loads(row["context"]) == finding["context"]
    assert row["event_ids"] == finding["event_ids"]


@pytest.mark.parametrize("kind", list(ExportFormat))
def test_nothing_is_a_file_too(kind: ExportFormat) -> None:
    """No finding is a valid, empty file."""
    written([], kind)
