"""The cases beside the rules of the pack, and what the runner says of a wrong one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.rules.cases import Act, Case, CaseRunner, Fires, cases_of, events_of
from gridtrail.rules.compile import plan
from gridtrail.rules.folder import PACK, RuleFolders

PLANNED = plan(RuleFolders([PACK]).current())


@pytest.fixture(scope="module")
def runner(engine: DuckDB, tmp_path_factory: pytest.TempPathFactory) -> CaseRunner:
    """Runs cases."""
    return CaseRunner(tmp_path_factory.mktemp("cases"), engine)


def test_every_case_of_the_pack_holds(runner: CaseRunner) -> None:
    """All rules over all cases, in one go."""
    found = [cases_of(path) for path in sorted({rule.path for rule in PLANNED.rules.rules})]
    assert [str(problem) for _, problems in found for problem in problems] == []
    cases = [case for some, _ in found for case in some]
    assert cases
    assert [str(problem) for problem in runner.problems(PLANNED, cases)] == []


def test_a_case_that_does_not_hold_is_told_with_what_was_found(runner: CaseRunner) -> None:
    """Too many hits, too few, or of somebody else."""
    path = PLANNED.rules["slack_manual_export_downloaded"].path
    given = (Act(does="manual_export_downloaded", who="eve"),)
    case = Case(path, 3, "it", given, (), path)
    wrong = [
        case,
        replace(case, fires=(Fires(times=2),)),
        replace(case, fires=(Fires(who="ann"),)),
        replace(case, fires=(Fires(who="eve"),)),
    ]
    told = [problem.message for problem in runner.problems(PLANNED, wrong)]
    assert told == [
        "it: 0 hits expected, found slack_manual_export_downloaded (W0EVE)",
        "it: 2 hits expected, found slack_manual_export_downloaded (W0EVE)",
        "it: 1 of it by ann expected, found slack_manual_export_downloaded (W0EVE)",
    ]


def test_keys_can_be_laid_over_an_event_and_entities_repeat() -> None:
    """`things` says how many different entities, `event` changes single keys."""
    act = Act(
        does="file_shared",
        times=4,
        things=2,
        entity={"type": "channel", "name": "x"},
        event={"context": {"ip_address": ""}, "extra": 1},
    )
    events = list(events_of(Case(Path("c"), 1, "it", (act,), (), Path("r"))))
    assert len({event["entity"]["channel"]["id"] for event in events}) == 2
    assert len({event["id"] for event in events}) == 4
    assert [event["context"]["ip_address"] for event in events] == [""] * 4
    assert events[0]["context"]["ua"]
    assert events[0]["extra"] == 1
