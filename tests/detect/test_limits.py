"""Limits: made of frozen state alone, for each subject by its peers and its own habits."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.detect.limits import PARAMETERS, Frozen, correction, limits
from gridtrail.detect.thresholds import LOG_SCALE, STEP, UNIT

DAY = DAY_SECONDS
TODAY = 20_000 * DAY

SUBJECTS = pa.schema(
    [("subject", pa.string()), ("subject_type", pa.string()), ("first_at", pa.int64()),
     ("home", pa.string())]
)  # fmt: skip


NO_LADDER = pa.table({"stratum": pa.array([], pa.string()), "window": pa.array([], pa.int64())})


def subject(
    name: str, *, kind: str = "user", days: int | None = 100, home: str | None = "T1"
) -> Any:
    """Somebody active today, known since so many days."""
    first = None if days is None else TODAY - days * DAY
    return {"subject": name, "subject_type": kind, "first_at": first, "home": home}


def sums(name: str, count: int, windows: int, *, kind: str = "user", home: str = "T1") -> Any:
    """State of somebody whose windows always had this count."""
    y = count.bit_length() * 2839  # ln 2 · 4096 a doubling is near enough
    return {
        "subject": name, "subject_type": kind, "window": DAY, "home": home,
        "units": windows * UNIT, "sum_y": windows * UNIT * y, "sum_y2": windows * UNIT * y * y,
    }  # fmt: skip


def frozen(
    active: list[Any],
    known: list[Any],
    habits: dict[str, int] | None = None,
    ladder: dict[str, Any] | None = None,
) -> Frozen:
    """State of an organization in which these are active today and those are known."""
    histogram = [
        {"subject_type": "user", "window": DAY, "value": value, "units": units * UNIT}
        for value, units in ((1, 400), (3, 300), (8, 80), (20, 20))
    ]
    steps = [
        {"subject": name, "subject_type": "user", "window": DAY, "step": step}
        for name, step in (habits or {}).items()
    ]
    step_schema = pa.schema(
        [("subject", pa.string()), ("subject_type", pa.string()), ("window", pa.int64()),
         ("step", pa.int64())]
    )  # fmt: skip
    return Frozen(
        subjects=pa.Table.from_pylist(active, schema=SUBJECTS),
        counts=pa.Table.from_pylist(known),
        histogram=pa.Table.from_pylist(histogram),
        ladder=pa.Table.from_pylist([ladder]) if ladder else NO_LADDER,
        habits=pa.Table.from_pylist(steps, schema=step_schema),
        day_start=TODAY,
    )


def by_name(state: Frozen, floor: int = 1) -> dict[str, dict[str, Any]]:
    """The limits of a day for people, by name."""
    rows = limits(state.of("user"), DAY, 1e-3, floor).to_pylist()
    return {row["subject"]: row for row in rows}


KNOWN = [sums(f"W{n}", 3, 20) for n in range(20)]


def test_others_of_the_day_do_not_matter() -> None:
    """A limit is the same whoever else is active today, in whatever order rows come."""
    alone = by_name(frozen([subject("W1")], KNOWN))
    crowd = by_name(
        frozen([subject(f"W{n}") for n in reversed(range(30))] + [subject("W99", home="T2")],
               KNOWN[::-1])
    )  # fmt: skip

    assert crowd["W1"] == alone["W1"]


def test_peers_speak_for_the_unknown() -> None:
    """Somebody without history has the mean of the own workspace; somebody unknown, or of a
    workspace where nobody is known, the organization's."""
    busy = [sums(f"B{n}", 60, 40, home="T2") for n in range(20)]
    unknown = subject("N3", home=None, days=None)
    active = [subject("N1"), subject("N2", home="T2"), unknown, subject("N4", home="T9")]
    rows = by_name(frozen(active, [*KNOWN, *busy]))

    typical = {name: row["peer_typical"] for name, row in rows.items()}
    assert typical["N1"] < typical["N3"] < typical["N2"]
    assert typical["N4"] == typical["N3"]
    assert rows["N3"]["windows_seen"] == 0


def test_strata() -> None:
    """Apps, people known for less than two weeks, and all others are told apart."""
    state = frozen([subject("W1"), subject("W2", days=13), subject("W3", days=None)], KNOWN)

    assert [row["stratum"] for row in by_name(state).values()] == ["member", "new", "new"]


def test_apps_are_not_peers() -> None:
    """What an app does says nothing of people."""
    app = sums("A1", 5000, 200, kind="app")

    assert by_name(frozen([subject("W1")], [*KNOWN, app])) == by_name(
        frozen([subject("W1")], KNOWN)
    )


def test_floor_and_habit() -> None:
    """No limit is below the floor, nor below what somebody did on several days before."""
    state = frozen([subject("W1"), subject("W2")], KNOWN, habits={"W2": 20})
    rows = by_name(state, floor=70)

    assert rows["W1"]["threshold"] == 70
    assert rows["W1"]["habit"] == 0
    assert rows["W2"]["threshold"] == rows["W2"]["habit"] == 191  # e ** (21 / 4), rounded up
    assert STEP / LOG_SCALE == 0.25


def test_too_many_alarms_raise_the_limit() -> None:
    """Where the strict level was reached six times as often as promised, limits are higher for that
    stratum, and for no other one."""
    often = {"reached_1": 9000 * UNIT, "reached_2": 3000 * UNIT, "reached_3": 300 * UNIT}
    ladder = {"stratum": "member", "window": DAY, "units": 50_000 * UNIT, **often}
    active = [subject("W1"), subject("N1", days=3)]

    before, after = (by_name(frozen(active, KNOWN, ladder=given)) for given in (None, ladder))

    assert after["W1"]["threshold"] > before["W1"]["threshold"]
    assert after["N1"]["threshold"] == before["N1"]["threshold"]


def test_nobody_is_active() -> None:
    """Without anybody there are no rows, but all columns."""
    assert limits(frozen([], KNOWN).of("user"), DAY, 1e-3, 1).schema.names == list(PARAMETERS)


@pytest.mark.parametrize(
    ("units", "reached", "nominal", "expected"),
    [
        (0, (0, 0, 0), 1e-3, 1.0),
        (50_000, (5000, 500, 50), 1e-3, 1.0),
        (50_000, (5000, 500, 300), 1e-3, 5.7),
        (50_000, (5000, 500, 5000), 1e-3, 8.0),
        (50_000, (50, 5, 0), 1e-3, 0.25),
        (2_000, (20, 0, 0), 1e-3, 1.0),
        (2_000, (900, 120, 0), 1e-3, 5.3),
        (50_000, (5000, 500, 5000), 5e-3, 1.0),
    ],
    ids=[
        "nothing", "as promised", "six times", "bounded", "never", "too few to loosen",
        "by a looser level", "stricter than asked for",
    ],
)  # fmt: skip
def test_correction(
    units: int, reached: tuple[int, int, int], nominal: float, expected: float
) -> None:
    """The correction is what was realised over what was promised, at the strictest level that
    has had a chance and is not stricter than the one asked for."""
    row = {"units": units * UNIT} | {f"reached_{i}": n * UNIT for i, n in enumerate(reached, 1)}

    assert correction(nominal, row) == pytest.approx(expected, abs=0.05)


def test_no_ladder() -> None:
    """Without any experience nothing is corrected."""
    assert correction(1e-3, None) == 1.0
