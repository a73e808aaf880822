"""What ip_address says beside the reason."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.contract import DayContext
from gridtrail.detectors.ip_address import APP_RATES, DETECTOR, NOVELTY, ROW
from gridtrail.enrich.addresses import KINDS
from gridtrail.settings import DetectSettings

NO_TABLES = DayContext(1_700_000_000, 60, DetectSettings(), lambda _: pa.table({}))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A candidate as `candidates` gives it, with any text that an event may hold."""
    text = st.text(max_size=12)
    category = draw(st.sampled_from([*NOVELTY.priors, *APP_RATES, "ioc"]))
    app = category in APP_RATES or (category == "ioc" and draw(st.booleans()))
    known = {
        "subject_type": "app" if app else "user",
        "category": category,
        "address_kind": draw(st.sampled_from(KINDS)),
        "moves": draw(st.integers(0, 30)),
        "p_value": 0.0 if category != "ioc" else None,
        "at": 1_700_000_000,
        "ioc_list": "feed" if category == "ioc" else None,
    }
    numbers = dict.fromkeys(
        ("active_days", "all_moves", "all_days", "people_on_network", "seen", "of"), 7
    )
    texts = {name: draw(text) for name in ("subject", "event_id", "ip", "network", "asn_name")}
    row: dict[str, Any] = dict.fromkeys(ROW) | numbers | texts | known
    return row


@given(rows())
def test_details_are_slacks(row: dict[str, Any]) -> None:
    """`ip_address_details` is never missing here, holds Slack's words only, each once; a cloud is
    odd for people alone, and only a list makes `in-ioc-list`."""
    anomaly = DETECTOR.explain(row, NO_TABLES)
    assert anomaly is not None
    details = anomaly.details["ip_address_details"]
    assert anomaly.reasons == ("ip_address",)
    assert details
    assert len(set(details)) == len(details)
    assert set(details) <= {"new-asn", "cloud-asn", "in-ioc-list"}
    assert ("in-ioc-list" in details) == (row["category"] == "ioc")
    assert "cloud-asn" not in details or row["subject_type"] == "user"


def test_kinds_that_no_honest_app_shows_stay_within_the_budget() -> None:
    """A first network of an app that lives on few is rare enough to be said; one more of an app
    that roams, or of a new one, is not."""
    level = NO_TABLES.share_per_subject_day(DETECTOR.share)
    assert APP_RATES["app|hosted"] + APP_RATES["app|away"] < level
    assert min(APP_RATES["app|roaming"], APP_RATES["app|newcomer"]) > level
