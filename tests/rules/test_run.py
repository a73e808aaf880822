"""The run: from the lake into `rule_hits`, in one go or in pieces."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.detect import stage
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.rule import RuleSet
from gridtrail.rules.run import pieces, run_rules
from gridtrail.rules.state import RULE_HITS, Hit, hits_of
from gridtrail.settings import Settings

TEXT = """
title: from tor
name: from_tor
logsource: {product: slack, service: audit}
detection:
  selection: {action: user_login, address.kind: tor}
  condition: selection
level: high
---
title: download
name: download
logsource: {product: slack, service: audit}
detection:
  selection: {action: file_downloaded}
  condition: selection
---
title: many files in a day
name: many
correlation:
  type: value_count
  rules: download
  group-by: actor.user.id
  timespan: 1d
  condition: {field: entity.id, gte: 6}
---
title: three in ten minutes
name: burst
correlation: {type: event_count, rules: download, group-by: ip, timespan: 10m, condition: {gte: 3}}
---
title: a burst, then a login
name: then_login
correlation: {type: temporal_ordered, rules: [burst, from_tor], group-by: subject, timespan: 2h,
  generate: true}
---
title: anything by curl
name: by_curl
logsource: {product: slack, service: audit}
detection:
  selection: {client.family: curl}
  condition: selection
"""
NEVER = stage.second_of(30)
LAG = 120  # the settle lag of the settings


def happened(minute: int, who: str, action: str, place: str, client: str, n: int) -> dict[str, Any]:
    """An event at a minute counted from the noon before day 0."""
    at = stage.second_of(-1, "12:00") + 60 * minute
    thing = stage.file_entity(f"{who} {n % 7}")
    return stage.slack_event(at, who, action, place=place, client=client, number=n, entity=thing)


happenings = st.lists(
    st.tuples(
        st.sampled_from([*range(0, 40, 4), *range(700, 740, 4), *range(1400, 1500, 10), 2400]),
        st.sampled_from(["ann", "ben"]),
        st.sampled_from(["file_downloaded", "file_downloaded", "user_login"]),
        st.sampled_from(["office", "tor"]),
        st.sampled_from(["desktop", "desktop", "curl"]),
    ),
    min_size=6,
    max_size=40,
)


def hits_in(lake: Lake) -> list[Hit]:
    """All rows of the lake's table."""
    lake.view(RULE_HITS, "_hits_there")
    return hits_of(lake.engine.rows("SELECT * FROM _hits_there"))


def decide(lake: Lake, settings_: Settings, rules: RuleSet, now: int, **more: Any) -> Sequence[Hit]:
    """One run; the new hits."""
    return run_rules(lake, lake.engine, settings_, rules=rules, now=now, **more).new


@pytest.fixture(scope="module")
def rules(rules_of: Callable[[str], RuleSet]) -> RuleSet:
    """Rules of every form."""
    found = rules_of(TEXT)
    assert found.problems == ()
    return found


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(happenings, st.sets(st.integers(1, 39), max_size=2), st.randoms())
def test_pieces_give_the_same_hits_as_one_go(
    new_lake: Callable[[], Lake],
    settings: Settings,
    rules: RuleSet,
    given: list[tuple[int, str, str, str, str]],
    cuts: set[int],
    chance: Any,
) -> None:
    """Whatever the increments, and the order of arrival within the settle lag."""
    events = [happened(*one, n=number) for number, one in enumerate(given)]
    events.sort(key=lambda event: (event["date_create"], event["id"]))
    whole = new_lake()
    stage.store(whole, events)
    new = decide(whole, settings, rules, NEVER)
    assert list(new) == hits_in(whole)
    parts = new_lake()
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for first, last in itertools.pairwise(edges):
        piece = events[first:last]
        chance.shuffle(piece)
        stage.store(parts, piece)
        decide(parts, settings, rules, events[last - 1]["date_create"] + LAG - 1)
    decide(parts, settings, rules, NEVER)
    assert hits_in(parts) == hits_in(whole)


def burst(start: int, count: int = 3) -> Iterable[dict[str, Any]]:
    """Downloads a minute apart."""
    return [
        happened(start + n, "ann", "file_downloaded", "office", "desktop", n) for n in range(count)
    ]


def test_a_run_again_writes_nothing_and_an_event_late_by_days_is_taken_in(
    new_lake: Callable[[], Lake], settings: Settings, rules: RuleSet
) -> None:
    """A late event is decided, and so is what its windows reach."""
    lake = new_lake()
    events = list(burst(715, 6))  # 23:55 to 00:00
    stage.store(lake, [*events[:2], *events[3:]])
    first = decide(lake, settings, rules, NEVER)
    assert {hit.rule for hit in first} == {"burst"}
    version = lake.log(RULE_HITS).version
    assert decide(lake, settings, rules, NEVER) == []
    lake.log(RULE_HITS).refresh()
    assert lake.log(RULE_HITS).version == version
    stage.store(lake, [events[2]])
    late = decide(lake, settings, rules, NEVER)
    assert [(hit.rule, hit.at) for hit in late] == [
        ("burst", events[2]["date_create"]),
        ("many", events[5]["date_create"]),
    ]
    assert [hit.rule for hit in hits_in(lake)] == ["burst", "many"]


def test_windows_reach_over_midnight_between_runs_and_between_pieces_of_one(
    new_lake: Callable[[], Lake], settings: Settings, rules: RuleSet
) -> None:
    """What was found the day before is looked at again, or kept."""
    events = list(burst(718, 3))  # 23:58 to 00:00
    twice, once = new_lake(), new_lake()
    stage.store(twice, events[:2])
    assert decide(twice, settings, rules, events[1]["date_create"] + LAG) == []
    stage.store(twice, events[2:])
    assert [hit.rule for hit in decide(twice, settings, rules, NEVER)] == ["burst"]
    stage.store(once, events)
    assert [hit.rule for hit in decide(once, settings, rules, NEVER, piece_events=1)] == ["burst"]
    assert hits_in(once) == hits_in(twice)


def test_a_dry_run_writes_no_hits_and_an_undecided_second_waits(
    new_lake: Callable[[], Lake], settings: Settings, rules: RuleSet
) -> None:
    """The settle lag holds, and a dry run leaves everything to be decided."""
    lake = new_lake()
    events = list(burst(0))
    stage.store(lake, events)
    last = events[-1]["date_create"]
    assert decide(lake, settings, rules, last + LAG - 1) == []
    assert [h.rule for h in decide(lake, settings, rules, last + LAG, dry_run=True)] == ["burst"]
    assert hits_in(lake) == []
    assert [h.rule for h in decide(lake, settings, rules, last + LAG)] == ["burst"]


def test_a_hit_tells_who_what_when_and_by_which_rule(
    new_lake: Callable[[], Lake], settings: Settings, rules: RuleSet
) -> None:
    """The row names the deciding event, all events, the group, the rule and its version."""
    lake = new_lake()
    events = list(burst(0))
    stage.store(lake, events)
    (hit,) = decide(lake, settings, rules, NEVER)
    assert (hit.rule, hit.rule_id, hit.title) == ("burst", "burst", "three in ten minutes")
    assert hit.rule_version == rules["burst"].version
    assert (hit.at, hit.event_id) == (events[-1]["date_create"], events[-1]["id"])
    assert list(hit.event_ids) == [event["id"] for event in events]
    assert (hit.subject, hit.level) == ("W0ANN", "medium")
    assert hit.grouped == f'{{"ip":"{events[0]["context"]["ip_address"]}"}}'


def test_deciding_again_from_a_day_on_uses_the_rules_in_force(
    new_lake: Callable[[], Lake], settings: Settings, rules: RuleSet
) -> None:
    """New events alone are decided by new rules, unless a day is named."""
    lake = new_lake()
    stage.store(lake, burst(0))
    assert decide(lake, settings, rules.only(["many"]), NEVER) == []
    assert decide(lake, settings, rules, NEVER) == []
    again = decide(lake, settings, rules, NEVER, start=stage.JUDGED_DAY - dt.timedelta(days=3))
    assert [hit.rule for hit in again] == ["burst"]


def test_pieces_are_consecutive_days_of_bounded_size() -> None:
    """A gap and a great day end a piece."""
    day = dt.date(2026, 1, 1)
    days = [day + dt.timedelta(days=n) for n in (0, 1, 2, 5)]
    counts = dict.fromkeys(days, 900_000)
    assert list(pieces(days, counts, 2_000_000)) == [days[:2], [days[2]], [days[3]]]


def test_hostile_text_in_events_and_quotes_in_rules_are_only_text(
    new_lake: Callable[[], Lake],
    settings: Settings,
    rules_of: Callable[[str], RuleSet],
    engine: DuckDB,
) -> None:
    """Neither ends a literal, nor is a wildcard, nor breaks a path."""
    evil = "x'); DROP TABLE _rule_found; --%_\\"
    # YAML doubles quotes inside quotes; Sigma escapes its own wildcards
    given = evil.replace("'", "''").replace("\\", "\\\\")
    rules = rules_of(
        f"""
title: it's
name: "qu'oted"
logsource: {{product: slack, service: audit}}
detection:
  plain: {{action: file_downloaded, entity.name: '{given}'}}
  within: {{details.note|contains: '{given}'}}
  like: {{details.note: '*{given}*end'}}
  grouped: {{details.note|re: "^x'\\\\);"}}
  condition: all of them
"""
    )
    assert rules.problems == ()
    good = {"type": "file", "file": {"id": "F1", "name": evil}}
    lake = new_lake()
    at = stage.second_of(0)
    for number, note in enumerate([f"{evil} end", "x'); DROP TABLE _rule_found; --abend"]):
        event = stage.slack_event(
            at, "ann", "file_downloaded", number=number, entity=good, details={"note": note}
        )
        stage.store(lake, [event])
    (hit,) = decide(lake, settings, rules, NEVER)
    assert hit.rule == "qu'oted"
    assert engine.value("SELECT count(*) FROM _rule_found") is not None


def test_what_people_do_in_gridtrail_itself_hits_no_rule(
    new_lake: Callable[[], Lake], settings: Settings, rules_of: Callable[[str], RuleSet]
) -> None:
    """Its trail has Slack's words; the anomalies that it raised are for rules."""
    rules = rules_of(
        """
title: sign-in or anomaly
name: seen
logsource: {product: slack, service: audit}
detection:
  selection: {action: [user_login, anomaly]}
  condition: selection
"""
    )
    lake = new_lake()
    at = stage.second_of(0)
    events = [
        stage.slack_event(at + n, "ann", action, number=n)
        for n, action in enumerate(("user_login", "anomaly", "user_login"))
    ]
    stage.store(lake, events[:1])
    ours = stage.event_rows(events[1:], stage.ORG)
    place = ours.schema.get_field_index("source")
    named = pa.array(["gridtrail"] * 2, ours.schema.field(place).type)
    lake.engine.keep("_ours", ours.set_column(place, "source", named))
    assert lake.append_events("_ours").stored == 2
    found = decide(lake, settings, rules, NEVER)
    assert [hit.event_id for hit in found] == [one["id"] for one in events[:2]]
