"""The battery finds what is wrong with a detector, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from gridtrail.detect.cases import Act, Case, CaseRunner, Find, Life
from gridtrail.detect.checks import CHECKS, check
from gridtrail.detect.contract import Anomaly, DayContext, Profile, Step, day_events, table
from gridtrail.detect.evidence import sql_text
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse

THIRD = {"third": "int64"}
SEEN = {"subject": "string", "logins": "int64"}


def _logins() -> ir.Table:
    rows = day_events.filter(day_events.own & (day_events.action == "user_login"))
    order = [rows["at"], rows.event_id]
    number = ibis.row_number().over(group_by=rows.subject, order_by=order)
    total = rows.count().over(ibis.window(group_by=rows.subject))
    return rows.mutate(number=(number + 1).cast("int64"), total=total)


def _seen() -> Profile:
    rows = day_events.filter(day_events.action == "user_login")

    def fold(before: ir.Table, new: ir.Table) -> ir.Table:
        both = before.union(new)
        return both.group_by("subject").aggregate(logins=both.logins.sum())

    summary = rows.group_by("subject").aggregate(logins=rows.count())
    return Profile("logins_seen", 1, SEEN, summary, fold)


@dataclass(frozen=True)
class Logins:
    """A user's own detector: the third time that somebody signs in on a day."""

    name: str = "logins"
    version: int = 1
    reasons: tuple[str, ...] = ("unexpected_admin_action",)
    fidelity: str = "audit"
    share: float = 0.1
    repeat_seconds: tuple[int, ...] = (3600,)
    profiles: tuple[Profile, ...] = (_seen(),)
    needs: tuple[str, ...] = ("user_login",)
    learning_days: int = 0
    steps: tuple[Step, ...] = ()

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        return THIRD

    @cached_property
    def candidates(self) -> ir.Table:
        limits = table("logins_parameters", THIRD)
        rows = _logins().cross_join(limits)
        return rows.filter(rows.number == rows.third)

    def parameters(self, context: DayContext) -> pa.Table:
        return pa.table({"third": pa.array([3], pa.int64())})

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        return Anomaly(
            reasons=self.reasons,
            p_value=1e-4,
            threshold=3,
            observed={"logins": row["number"]},
            usual={"person": {"logins": 1}},
            words="The third time today.",
            query=f"SELECT id FROM events WHERE actor_id = {sql_text(row['subject'])}",
            silent_if="fewer than three",
            repeat_key="logins",
            deciding_events=(row["event_id"],),
        )


class Peeks(Logins):
    """Says at the first sign-in what only the third one shows."""

    @cached_property
    def candidates(self) -> ir.Table:
        rows = _logins()
        return rows.filter((rows.total >= 3) & (rows.number == 1))


class Retracts(Logins):
    """Says at the third sign-in what a fourth one makes untrue."""

    @cached_property
    def candidates(self) -> ir.Table:
        rows = _logins()
        return rows.filter((rows.total == 3) & (rows.number == 3))


class BuiltAnew(Logins):
    """Makes another relation at each call."""

    @property
    def candidates(self) -> ir.Table:
        return _logins().filter(ibis._.number == 3)


class Unportable(Logins):
    """Decides by a float that depends on the order in which rows are added up."""

    @cached_property
    def candidates(self) -> ir.Table:
        rows = _logins()
        mean = rows["at"].mean().over(ibis.window(group_by=rows.subject))
        return rows.filter((rows.number == 3) & (rows["at"] > mean))


class Unquoted(Logins):
    """Puts a stranger's text into its query as it is."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        anomaly = super().explain(row, context)
        query = f"SELECT id FROM events WHERE actor_id = '{row['subject']}'"
        return anomaly and replace(anomaly, query=query)


class Unproven(Logins):
    """Its query shows something else."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        anomaly = super().explain(row, context)
        return anomaly and replace(anomaly, query="SELECT 'x' AS id")


class Wordless(Logins):
    """Says nothing a person can read."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        anomaly = super().explain(row, context)
        return anomaly and replace(anomaly, words="", usual={})


class OtherReason(Logins):
    """Gives a reason that it did not declare."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        anomaly = super().explain(row, context)
        return anomaly and replace(anomaly, reasons=("tor",))


class Silent(Logins):
    """Finds nothing, not even in its own cases."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        return None


CASE = Case(
    where="test",
    name="three times",
    life=Life(people=2, days=2, downloads=1),
    given=(
        Act(who="ann", does="user_login", times=3, over="3h", at="12:00"),
        Act(who="zoe", does="user_login", times=5, over="5m", at="23:30"),
    ),
    finds=(Find(who="ann", reasons=["unexpected_admin_action"]),),
)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, engine: DuckDB) -> CaseRunner:
    """Runs the checks in lakes of its own."""
    return CaseRunner(tmp_path_factory.mktemp("checks"), engine)


def test_sound_detector(runner: CaseRunner) -> None:
    """A sound detector passes the whole battery."""
    assert check(runner, Logins(), [CASE]) == []


@pytest.mark.parametrize(
    ("broken", "found_by"),
    [
        (Peeks, "point_in_time"),
        (Retracts, "increments"),
        (BuiltAnew, "contract"),
        (Unportable, "portable"),
        (Unquoted, "hostile_text"),
        (Unproven, "evidence"),
        (Wordless, "evidence"),
        (OtherReason, "shape"),
        (Silent, "shape"),
    ],
)
def test_broken_detector(runner: CaseRunner, broken: type[Logins], found_by: str) -> None:
    """Each fault is found by the check that is there for it."""
    failures = check(runner, broken(), [CASE], only=[found_by])

    assert {failure.check for failure in failures} == {found_by}


def test_bad_contract(runner: CaseRunner) -> None:
    """Names that the machinery does not know are listed."""
    bad = Logins(reasons=("oddness",), fidelity="rumour", needs=("user_log_in",), share=2.0)

    told = "\n".join(f.message for f in check(runner, bad, [CASE], only=["contract"]))

    for word in ("oddness", "rumour", "user_log_in", "2.0"):
        assert word in told


def test_no_firing_case(runner: CaseRunner) -> None:
    """Without a case that finds something there is nothing to check with."""
    with pytest.raises(WrongUse, match="no case that finds something"):
        check(runner, Logins(), [replace(CASE, finds=())])


def test_every_check_says_what_is_true() -> None:
    """Each check of the battery opens with a sentence."""
    assert all((one.__doc__ or "").strip().endswith(".") for one in CHECKS.values())
