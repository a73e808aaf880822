"""Numbers for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gridtrail.collect.slack_api.coverage import Coverage, Unread
from gridtrail.server.metrics import LakeFacts, Metrics

EMPTY = LakeFacts(-1, 0, 0, 0, None, None)


def read(text: bytes) -> dict[tuple[str, str, str], float]:
    """Value by name, organization and actions."""
    return {
        (sample.name, sample.labels.get("org", ""), sample.labels.get("actions", "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def coverage(org: str, actions: tuple[str, ...], state: str) -> Coverage:
    """A stream that is complete up to second 2,000, with a gap and three late events."""
    gaps = (Unread(10, 20),)
    return Coverage(org, actions, 1_000, 2_000, None, gaps, 3, 95, state, None, ())


def test_collectors_are_told_apart() -> None:
    """Each organization and choice of actions has its own completeness, gaps and lateness."""
    collectors = [coverage("E0A", (), "working"), coverage("E0B", ("anomaly",), "refused")]
    found = read(Metrics().text(EMPTY, collectors))
    for org, actions in (("E0A", "all"), ("E0B", "anomaly")):
        assert found["gridtrail_collected_complete_timestamp_seconds", org, actions] == 2_000
        assert found["gridtrail_collected_gaps", org, actions] == 1
        assert found["gridtrail_late_events", org, actions] == 3
        assert found["gridtrail_late_events_most_seconds", org, actions] == 95
    assert found["gridtrail_collector_working", "E0A", "all"] == 1
    assert found["gridtrail_collector_working", "E0B", "anomaly"] == 0
