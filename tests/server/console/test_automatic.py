"""What the automatic response decided, in the console; letting its brake go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gridtrail.respond.decisions import Decision, DecisionStore
from gridtrail.respond.guard import Verdict

MADE = Decision(
    org="E0ACME", finding_id="F1", person="W0MATTHEW1", person_name="Matt <b>", rule="theft",
    cause="excessive_downloads", happened=1_700_049_600, action="sign_out", mode="record",
    state="recorded", why="a <i>dry</i> run",
)  # fmt: skip


@pytest.fixture(scope="module")
def decided(desk: Any) -> Iterator[DecisionStore]:
    """A decision of each of two organizations."""
    with DecisionStore(desk.settings.state) as store:
        assert store.decide(MADE) is not None
        other = replace(MADE, org="E0OTHER", person="W0ELSEWHERE", person_name="Elsewhere")
        assert store.decide(other) is not None
        yield store


def test_each_decision_says_what_it_was_and_why(desk: Any, decided: DecisionStore) -> None:
    """A dry run is marked, another organization's is not shown, filters stand in the address."""
    page = desk.get("/responses/automatic", "audit_logs_admin").text
    assert "Matt &lt;b&gt;" in page
    assert "dry run: would have been done" in page
    assert "a &lt;i&gt;dry&lt;/i&gt; run" in page
    assert "W0ELSEWHERE" not in page
    assert "It is off, with 0 rules" in page
    assert "Nothing was decided" in desk.get("/responses/automatic?state=done").text
    assert "Nothing was decided" in desk.get("/responses/automatic?person=W0OTHER").text
    assert desk.get("/responses/automatic?state=gone").status_code == 400


def test_the_brake_is_let_go_by_who_may_respond(desk: Any, decided: DecisionStore) -> None:
    """It is said with its reason; others see no form; afterwards it is released, by name."""
    held = replace(MADE, mode="act", state="acting", person="W0ANNA0001", cause="tor")
    decided.decide(held, lambda _deeds, _stopped: Verdict("brake", "eleven people in an hour"))
    page = desk.get("/responses/automatic", "audit_logs_admin").text
    assert "The brake is on" in page
    assert "Let the brake go" not in page
    assert "Let the brake go" in desk.get("/responses/automatic", "admin").text
    form = {"reason": "looked at all"}
    answer = desk.post("/responses/automatic", form, cookie=desk.cookies["admin"])
    assert answer.headers["location"] == "/responses/automatic"
    page = desk.get("/responses/automatic").text
    assert "The brake is on" not in page
    assert "looked at all" in page
    assert decided.brake("E0ACME") is None
