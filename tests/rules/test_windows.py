"""Correlations against a plain reading of what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.detect import stage
from gridtrail.engine.duckdb import DuckDB
from gridtrail.rules.compile import plan
from gridtrail.rules.evaluate import Evaluation
from gridtrail.rules.rule import RuleSet
from gridtrail.rules.state import Hit, hits_of

START = stage.second_of(0)
SPAN = 60
BASE = """
title: {name}
name: {name}
logsource: {{product: slack, service: audit}}
detection:
  selection: {{action: {action}}}
  condition: selection
---
"""
CORRELATION = """
title: it
name: it
correlation:
  type: {type}
  rules: {rules}
  group-by: actor.user.id
  timespan: 60s
  condition: {condition}
---
"""
A, B, C = "file_downloaded", "user_login", "file_uploaded"


@dataclass(frozen=True)
class Event:
    """An event of the trial: seconds after START, who, what, with which number."""

    at: int
    who: str
    action: str
    size: int


events = st.lists(
    st.builds(
        Event,
        at=st.integers(0, 240),
        who=st.sampled_from(["ann", "ben"]),
        action=st.sampled_from([A, B, C]),
        size=st.integers(1, 4),
    ),
    min_size=1,
    max_size=24,
)
many = st.lists(events, min_size=1, max_size=16)  # each is an organization of its own
small = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows_of(given: Iterable[Event], org: str) -> pa.Table:
    """The events as rows of the lake."""
    raw = [
        stage.slack_event(
            START + one.at, one.who, one.action, number=place, details={"size": one.size}
        )
        for place, one in enumerate(given)
    ]
    return stage.event_rows(raw, org)


def ran(engine: DuckDB, rules: RuleSet, *given: Iterable[Event]) -> list[Hit]:
    """Hits of the rules over the events of organizations `0`, `1`, …"""
    tables = [rows_of(events, str(org)) for org, events in enumerate(given)]
    engine.register("_given", pa.concat_tables(tables))
    engine.keep("trial", "SELECT * FROM _given")
    engine.unregister("_given")
    planned = plan(rules)
    assert planned.problems == ()
    evaluation = Evaluation(engine, planned)
    evaluation.add("trial")
    return hits_of(evaluation.hits(0, 2**40))


Holds = Callable[[list[Event], Event], bool]


def expected(given: list[Event], actions: Iterable[str], holds: Holds) -> list[tuple[str, int]]:
    """(person, second) of each time the condition becomes true, read plainly."""
    found = []
    for who in ("ann", "ben"):
        mine = sorted(
            (e for e in given if e.who == who and e.action in set(actions)), key=lambda e: e.at
        )
        before: tuple[int, bool] | None = None
        for second in sorted({e.at for e in mine}):
            window = [e for e in mine if second - SPAN < e.at <= second]
            # of one second any row may be the first to hold; ordered ones need the right row
            now = any(holds(window, e) for e in mine if e.at == second)
            fresh = before is None or second - before[0] >= SPAN
            if now and (fresh or not (before and before[1])):
                found.append((who, second))
            before = (second, now)
    return sorted(found)


def seconds(hits: Iterable[Hit]) -> list[tuple[str, int]]:
    """(person, second) of hits."""
    return sorted((str(h.subject)[2:].lower(), h.at - START) for h in hits)


CONDITIONS: list[tuple[str, str, str, Holds]] = [
    ("event_count", "[a]", "{gte: 3}", lambda w, _e: len(w) >= 3),
    ("event_count", "[a, b]", "{gt: 3}", lambda w, _e: len(w) > 3),
    (
        "value_count",
        "[a]",
        "{field: details.size, gte: 3}",
        lambda w, _e: len({e.size for e in w}) >= 3,
    ),
    (
        "value_sum",
        "[a, b]",
        "{field: details.size, gte: 8}",
        lambda w, _e: sum(e.size for e in w) >= 8,
    ),
    (
        "value_avg",
        "[a]",
        "{field: details.size, gt: 2.5}",
        lambda w, _e: sum(e.size for e in w) > 2.5 * len(w),
    ),
    (
        "value_median",
        "[a]",
        "{field: details.size, gte: 3}",
        lambda w, _e: sorted(e.size for e in w)[(len(w) - 1) // 2] >= 3,
    ),
    ("temporal", "[a, b]", "{gte: 2}", lambda w, _e: {A, B} <= {e.action for e in w}),
    (
        "temporal",
        "[a, b, c]",
        "a and b and not c",
        lambda w, _e: {A, B} <= {e.action for e in w} and C not in {e.action for e in w},
    ),
]


@pytest.mark.parametrize(("kind", "names", "condition", "holds"), CONDITIONS)
def test_a_correlation_fires_when_its_condition_becomes_true_in_a_sliding_window(
    engine: DuckDB,
    rules_of: Callable[[str], RuleSet],
    kind: str,
    names: str,
    condition: str,
    holds: Holds,
) -> None:
    """Hits are where the plain reading says, whatever the events."""
    by_name = {"a": A, "b": B, "c": C}
    used = [name for name in by_name if name in names]
    text = "".join(BASE.format(name=name, action=by_name[name]) for name in used)
    rules = rules_of(text + CORRELATION.format(type=kind, rules=names, condition=condition))
    assert rules.problems == ()

    @small
    @given(many)
    def check(given: list[list[Event]]) -> None:
        hits = ran(engine, rules, *given)
        for org, events in enumerate(given):
            wanted = expected(events, [by_name[name] for name in used], holds)
            assert seconds(hit for hit in hits if hit.org == str(org)) == wanted

    check()


def test_ordered_steps_come_in_strictly_later_seconds(
    engine: DuckDB, rules_of: Callable[[str], RuleSet]
) -> None:
    """Login, then download, then upload within a minute; not in another order or second."""
    text = "".join(
        BASE.format(name=name, action=action) for name, action in (("a", B), ("b", A), ("c", C))
    )
    rules = rules_of(
        text + CORRELATION.format(type="temporal_ordered", rules="[a, b, c]", condition="{gte: 3}")
    )

    def chains(*steps: tuple[int, str]) -> list[int]:
        return [h.at - START for h in ran(engine, rules, [Event(t, "ann", a, 1) for t, a in steps])]

    assert chains((0, B), (10, A), (20, C)) == [20]
    assert chains((0, B), (59, A), (60, C)) == []
    assert chains((0, B), (59, A), (59, C)) == []
    assert chains((0, A), (10, B), (20, C)) == []
    assert chains((0, B), (5, A), (40, B), (61, A), (62, C)) == [62]
    assert chains((0, B), (5, A), (40, B), (61, C)) == []
    assert chains((0, B), (5, A), (9, C), (10, C)) == [9]


def test_a_window_of_sixty_seconds_holds_sixty_seconds(
    engine: DuckDB, rules_of: Callable[[str], RuleSet]
) -> None:
    """The second sixty before is outside; a burst counts again after it."""
    text = BASE.format(name="a", action=A) + CORRELATION.format(
        type="event_count", rules="a", condition="{gte: 3}"
    )
    rules = rules_of(text)

    def fired(*times: int) -> list[int]:
        return [h.at - START for h in ran(engine, rules, [Event(t, "ann", A, 1) for t in times])]

    assert fired(0, 30, 59) == [59]
    assert fired(0, 30, 60) == []
    assert fired(0, 1, 2, 3, 62, 63, 64) == [2, 64]
    assert fired(0, 0, 0, 0) == [0]


def test_a_person_may_have_another_threshold(
    engine: DuckDB, rules_of: Callable[[str], RuleSet]
) -> None:
    """More is allowed to one and less to another; what is no number is told."""
    text = BASE.format(name="a", action=A) + CORRELATION.format(
        type="event_count", rules="a", condition="{gte: 3}"
    ).removesuffix("---\n")
    own = rules_of(text + "thresholds: {W0ANN: 5, W0BEN: 2}\n")
    given = [Event(t, who, A, 1) for t in range(4) for who in ("ann", "ben", "cleo")]
    assert seconds(ran(engine, own, given)) == [("ben", 1), ("cleo", 2)]
    (problem,) = plan(rules_of(text + "thresholds: [5]\n")).problems
    assert "thresholds are unclear" in problem.message


def test_what_lacks_a_value_of_the_group_is_in_no_group(
    engine: DuckDB, rules_of: Callable[[str], RuleSet]
) -> None:
    """Three events without a session are not three events of one session."""
    text = BASE.format(name="a", action=A) + CORRELATION.format(
        type="event_count", rules="a", condition="{gte: 3}"
    ).replace("actor.user.id", "details.channel_id")
    assert ran(engine, rules_of(text), [Event(t, "ann", A, 1) for t in range(5)]) == []


def test_aliases_name_another_field_for_each_rule(
    engine: DuckDB, rules_of: Callable[[str], RuleSet]
) -> None:
    """The person acted upon in one rule is the one who acts in the other."""
    text = """
title: made admin
name: promoted
logsource: {product: slack, service: audit}
detection:
  selection: {action: role_change_to_admin}
  condition: selection
---
title: export
name: export
logsource: {product: slack, service: audit}
detection:
  selection: {action: manual_export_downloaded}
  condition: selection
---
title: it
name: it
correlation:
  type: temporal_ordered
  rules: [promoted, export]
  group-by: person
  timespan: 1d
  aliases:
    person: {promoted: entity.user.id, export: actor.user.id}
"""
    ben = {"type": "user", "user": {"id": stage.person_id("ben")}}
    raw: list[dict[str, Any]] = [
        stage.slack_event(START, "ann", "role_change_to_admin", entity=ben),
        stage.slack_event(START + 5, "ann", "manual_export_downloaded"),
        stage.slack_event(START + 9, "ben", "manual_export_downloaded"),
    ]
    engine.register("_given", stage.event_rows(raw))
    evaluation = Evaluation(engine, plan(rules_of(text)))
    evaluation.add("_given")
    hits = hits_of(evaluation.hits(0, 2**40))
    engine.unregister("_given")
    assert [(h.rule, h.subject, h.grouped) for h in hits] == [("it", "W0BEN", '{"person":"W0BEN"}')]
    assert list(hits[0].event_ids) == [raw[0]["id"], raw[2]["id"]]
    assert isinstance(evaluation.hits(0, 0), pa.Table)
