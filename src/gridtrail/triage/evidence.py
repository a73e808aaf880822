"""What the anomalies of a finding say themselves, read from the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.lake.lake import Lake
    from gridtrail.triage.finding import Finding

_MOST = 20


def evidence_of(lake: Lake, finding: Finding) -> list[dict[str, Any]]:
    """The finding's anomalies, oldest first, with their words and whom they are about."""
    lake.events_view(
        "_evidence", org=finding.org, oldest=finding.first_seen, latest=finding.last_seen
    )
    rows = lake.engine.rows(
        "SELECT date_create, reasons, actor_id, actor_name, actor_email, "
        "json_extract_string(details, '$.gridtrail.words') AS words, "
        "json_extract_string(details, '$.gridtrail.silent_if') AS silent_if "
        "FROM _evidence WHERE action = 'anomaly' AND list_contains(?, id) "
        f"ORDER BY date_create, id LIMIT {_MOST}",
        [list(finding.event_ids)],
    ).to_pylist()
    return [{"time": iso_seconds(row["date_create"]), **row} for row in rows]
