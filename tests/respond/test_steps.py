"""The steps of each response, kept as they happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gridtrail.respond.responses import Asked, ResponseStore
from gridtrail.respond.steps import Step
from gridtrail.respond.tables import responses
from gridtrail.state.database import open_state, writing

ASKED = Asked(
    "E0", "reset", (("W1", "Ann\0"), ("W2", "Bob")), "all", None, "eve\0", "why", None, "k"
)


@pytest.fixture
def store(state_place: Path | str) -> Iterator[ResponseStore]:
    """A store in which each look at the clock is a second later than the one before."""
    seconds = iter(range(1_000, 10_000))
    with ResponseStore(state_place, clock=lambda: float(next(seconds))) as opened:
        yield opened


def told(steps: list[Step]) -> list[tuple[str, str, str]]:
    """What, by whom, and what was said."""
    return [(one.what, one.by, one.said) for one in steps]


def test_every_step_is_kept_in_its_order(store: ResponseStore) -> None:
    """Asked, approved, called, sent, unconfirmed and late confirmed: each for the person it is
    about, in the order of time, and an event that came late takes nothing away."""
    ann, bob = store.ask(ASKED, approval=True)
    store.begin("k", approved_by="zoe")
    store.answered("k", "sent", "Slack did it.")
    ann, bob = store.batch("k")
    store.seen(ann, "unconfirmed", "not there", None)
    store.seen(store.get(ann.id), "confirmed", "there", "event")
    steps = store.steps([ann, bob])
    begun = [("asked", "eve\ufffd", ""), ("approved", "zoe", ""), ("called", "", "")]
    begun.append(("sent", "", "Slack did it."))
    assert told(steps[bob.id]) == begun
    assert told(steps[ann.id]) == [
        *begun, ("unconfirmed", "", "not there"), ("confirmed", "", "there"),
    ]  # fmt: skip
    times = [one.at for one in steps[ann.id]]
    assert times == sorted(times)
    assert steps[ann.id][-1].event_id == "event"
    store.seen(ann, "failed", "too late", None)  # it is not watched any more: nothing happens
    assert store.steps([ann])[ann.id] == steps[ann.id]


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        (lambda store: store.refuse("k", "zoe"), ("refused", "zoe", "Not approved by zoe.")),
        (lambda store: store.expire(0), ("expired", "", "Nobody approved it in time: ask anew.")),
    ],
)
def test_what_was_not_done_says_why(store: ResponseStore, ends: Any, last: Any) -> None:
    """A refusal and a time that ran out are the last step."""
    first, _ = store.ask(ASKED, approval=True)
    ends(store)
    assert told(store.steps([first])[first.id])[1:] == [last]
    assert store.get(first.id).state == "failed"


def test_an_unclear_answer_is_a_step(store: ResponseStore) -> None:
    """Nobody knows whether Slack did it: the state stays, and the step says what is known."""
    first, _ = store.ask(ASKED, approval=False)
    store.begin("k")
    store.answered("k", "requested", "No answer.")
    assert told(store.steps([first])[first.id])[1:] == [
        ("called", "", ""), ("unclear", "", "No answer."),
    ]  # fmt: skip
    assert store.steps([first])[first.id][-1].words == "No answer."


def test_what_was_before_has_the_steps_that_are_known(state_place: Path | str) -> None:
    """A database of the revision before is filled from what its responses say."""
    engine = open_state(state_place)
    row = {
        "id": "old", "batch": "b", "org": "E0", "method": "reset", "user_id": "W1",
        "user_name": "Ann", "devices": "all", "state": "confirmed", "asked_by": "eve",
        "approved_by": "zoe", "reason": "", "said": "It was done.", "event_id": "event",
        "asked_at": 1, "called_at": 2, "changed_at": 3,
    }  # fmt: skip
    with writing(engine).begin() as connection:
        connection.execute(responses.insert(), [row])
        connection.execute(
            responses.insert(),
            [{**row, "id": "new", "state": "waiting", "approved_by": None, "said": ""}
             | {"called_at": None, "event_id": None}],
        )  # fmt: skip
        connection.execute(sa.text("DROP TABLE response_steps"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
    engine.dispose()
    with ResponseStore(state_place) as store:
        steps = store.steps([store.get("old"), store.get("new")])
    assert steps["old"] == [
        Step(1, "asked", "eve"), Step(2, "approved", "zoe"), Step(2, "called"),
        Step(3, "confirmed", "", "It was done.", "event"),
    ]  # fmt: skip
    assert steps["new"] == [Step(1, "asked", "eve")]
