"""Anomaly events as triage reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.triage.anomaly import Anomaly, read_anomalies, read_raised

Acme = Any


@pytest.fixture
def read(
    lake: Lake, engine: DuckDB, append: Callable[[list[dict[str, Any]]], None], acme: Acme
) -> Callable[[object], Anomaly]:
    """The anomaly that an event with these details is read as."""

    def one(details: object) -> Anomaly:
        append([acme.anomaly("x", acme.NOON, "tor", "tor", "", details=details)])
        lake.events_view("seen")
        return read_anomalies(engine, "seen", read_raised(engine, "seen"))["x"]

    return one


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
def test_the_time_of_the_action_comes_in_any_unit(
    read: Callable[[object], Anomaly], acme: Acme, unit: int
) -> None:
    """Seconds, milliseconds and microseconds are told apart."""
    assert read({"action_timestamp": (acme.NOON - 51) * unit}).happened == acme.NOON - 51


@pytest.mark.parametrize("stamp", [0, -1, 10**30, True, "1790000000", None, 1.5, [1]])
def test_an_unbelievable_time_is_not_believed(
    read: Callable[[object], Anomaly], acme: Acme, stamp: object
) -> None:
    """A stamp that is no time of the day before the anomaly is as if it were absent."""
    assert read({"action_timestamp": stamp}).happened == acme.NOON


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [
        ("4.1e-06", 4.1e-06),
        (1, 1.0),
        (0.5, 0.5),
        ("0", 0.0),
        ("nan", None),
        ("-1", None),
        (2, None),
        (True, None),
        ("p", None),
        (None, None),
        ([], None),
    ],
)
def test_a_p_value_is_a_probability_or_nothing(
    read: Callable[[object], Anomaly], p_value: object, expected: float | None
) -> None:
    """Text and numbers in [0, 1] count, everything else is as if it were absent."""
    evidence = read({"gridtrail": {"p_value": p_value}}).evidence
    assert evidence is not None
    assert evidence.p_value == expected


@pytest.mark.parametrize("details", [None, "", "{", "[]", '"text"', '{"gridtrail": []}'])
def test_details_of_any_shape_are_tolerated(
    read: Callable[[object], Anomaly], details: object
) -> None:
    """Absent, broken and foreign details give an anomaly without evidence."""
    found = read(details)
    assert found.evidence is None
    assert found.reasons == ("tor",)
