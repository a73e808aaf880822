"""The law of collecting, on generated histories, faults and interruptions: nothing is lost, nothing
comes twice, and what is claimed is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = 1_790_000_000
DAY = 86_400
SINCE = NOW - 20_000

Site = Any

FAULTS = (
    *("reset", "refused", "timeout", "cut", "truncated", "html", "html401", "internal"),
    *("429", "429 bare", "429 odd", "500", "503", "bare400", "no entries"),
    *("stale", "repeat", "empty"),
)

seconds = st.one_of(
    st.integers(SINCE - 2_000, NOW + 9_000),
    st.sampled_from([SINCE, NOW - 61, NOW - 60, NOW - 59, NOW - 3_600, NOW + 100]),
)
lateness = st.one_of(st.just(0.0), st.just(0.0), st.sampled_from([30.0, 59.0, 400.0, DAY - 200.0]))
events = st.lists(st.tuples(seconds, lateness, st.integers(1, 4)), min_size=1, max_size=25)
faults = st.lists(st.one_of(st.none(), st.sampled_from(FAULTS)), max_size=25)
# how long until the collector is started again, and after how many calls the far side is gone
runs = st.lists(
    st.tuples(st.sampled_from([0, 7, 300, 4_000, 30_000]), st.integers(0, 40)), max_size=3
)


def check_claims(site: Site) -> None:
    """What coverage says is complete, is."""
    found = site.coverage()
    ids = site.ids()
    assert len(ids) == len(set(ids))
    if found.complete_to is None:
        return
    there = set(ids)
    for entry in site.slack.entries:
        if not found.complete_from <= entry.second <= found.complete_to:
            continue
        on_time = entry.visible_at <= entry.second + site.source.settle
        settled = found.settled_to is not None and entry.second <= found.settled_to
        if on_time or settled:
            assert entry.id in there, (entry, found)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=events, faults=faults, runs=runs, limit=st.integers(1, 6), splits=st.booleans())
def test_whatever_happens_the_lake_has_each_event_once(
    make_site: Callable[[], Site],
    events: list[tuple[int, float, int]],
    faults: list[str | None],
    runs: list[tuple[int, int]],
    limit: int,
    splits: bool,
) -> None:
    """For any events, lateness up to a day, faults and broken-off runs: at each moment the claims
    are true, and in the end the lake has all ids in range, each once."""
    site = make_site()
    site.slack.splits_seconds = splits
    number = 0
    for second, late, copies in events:
        for _ in range(copies):
            site.slack.add(number, second, late=late)
            number += 1
    site.slack.faults.extend(faults)
    for pause, calls in runs:
        site.slack.faults.extend([None] * calls + ["refused"] * 13)
        site.try_once(since=SINCE, limit=limit, overlap=60)
        site.slack.faults.clear()
        check_claims(site)
        site.clock.advance(pause)
    for pause in (0, 2 * DAY, 2 * DAY):
        site.clock.advance(pause)
        site.once(since=SINCE, limit=limit, overlap=60)
        check_claims(site)
    assert set(site.slack.ids(oldest=SINCE)) <= set(site.ids())
    assert site.coverage().gaps == ()
