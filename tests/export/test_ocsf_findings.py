"""Anomalies and findings as Detection Findings, against py-ocsf-models' definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from gridtrail.export.attack import TECHNIQUES
from gridtrail.export.ocsf_findings import ocsf_anomaly, ocsf_finding
from gridtrail.export.record import Record
from gridtrail.slack.reasons import REASONS

MakeEvent = Callable[..., dict[str, Any]]
Read = Callable[[dict[str, Any]], Record]


def valid(made: dict[str, Any]) -> dict[str, Any]:
    """`made`, which the library's model takes, and whose evidences all show something."""
    DetectionFinding.model_validate_json(json.dumps(made, allow_nan=False))
    shown = {"actor", "data", "src_endpoint"}
    assert all(shown & set(one) for one in made.get("evidences", []))
    return made


def test_anomaly(event: MakeEvent, read: Read) -> None:
    """An anomaly says its reasons, their meaning and techniques, and shows who and where."""
    made = valid(ocsf_anomaly(read(event("anomaly"))))
    info = made["finding_info"]
    assert info["types"] == ["tor", "asn", "ip_address"]
    assert REASONS["tor"].meaning in info["desc"]
    assert info["attacks"][0]["sub_technique"]["uid"] == "T1090.003"
    evidence = made["evidences"][0]
    assert evidence["actor"]["user"]["uid"] == "W0MIRAQ7X1"
    assert evidence["src_endpoint"] == {"ip": "203.0.113.140"}
    assert made["metadata"]["product"]["name"] == "Slack"
    assert made["severity"] == "Low"


def test_own_anomaly(event: MakeEvent, read: Read) -> None:
    """Gridtrail's own anomaly names the detector; a grave reason is medium."""
    details = {"reason": ["session_fingerprint"], "gridtrail": {"detector": "d", "version": 3}}
    made = valid(ocsf_anomaly(read(event("anomaly", details=details))))
    assert made["metadata"]["product"]["name"] == "Gridtrail"
    assert made["finding_info"]["analytic"]["name"] == "d"
    assert made["severity"] == "Medium"


def test_finding(finding: dict[str, Any]) -> None:
    """A finding keeps title, story, people, addresses, events and advice, and itself whole."""
    made = valid(ocsf_finding(finding, raw="{}"))
    assert (made["severity_id"], made["status"], made["activity_name"]) == (4, "New", "Create")
    assert made["finding_info"]["uid"] == finding["id"]
    assert made["finding_info"]["types"] == ["session_fingerprint", "asn", "Passkey added"]
    assert [one["uid"] for one in made["finding_info"]["related_events"]] == ["a1", "a2"]
    assert made["remediation"]["desc"] == "Sign the person out. Ask them."
    assert [one["value"] for one in made["observables"]] == finding["ips"]
    assert made["unmapped"] == finding


@pytest.mark.parametrize(
    ("change", "version", "activity", "status"),
    [
        ({}, 2, "Update", "New"),
        ({"status": "investigating"}, 2, "Update", "In Progress"),
        ({"status": "closed", "verdict": "true_positive"}, 3, "Close", "Resolved"),
        ({"status": "closed", "verdict": "false_positive"}, 3, "Close", "Suppressed"),
    ],
)
def test_life_of_a_finding(
    finding: dict[str, Any], change: dict[str, Any], version: int, activity: str, status: str
) -> None:
    """What people decide is the activity and the status."""
    made = valid(ocsf_finding({**finding, **change}, raw="{}", version=version))
    assert (made["activity_name"], made["status"]) == (activity, status)
    assert made["is_alert"] is (activity != "Close")


def test_techniques_are_of_reasons() -> None:
    """Every reason has a technique, and nothing else has."""
    assert set(TECHNIQUES) == set(REASONS)


@given(
    st.dictionaries(
        st.sampled_from(["severity", "status", "reasons", "ips", "actor_ids", "score", "advice"]),
        st.none() | st.text() | st.lists(st.text() | st.none()) | st.integers(),
    )
)
def test_odd_findings_are_valid(odd: dict[str, Any]) -> None:
    """A finding with unknown words and odd texts is valid all the same."""
    valid(ocsf_finding({"id": "F1", "title": "t", "last_seen": 5, **odd}, raw="{}"))
