"""What users of other collectors complain about: each complaint is a test named after it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from gridtrail.collect.slack_api.asking import GaveUp
from gridtrail.errors import BadSettings
from gridtrail.slack.audit_api import BEGINNING

NOW = 1_790_000_000
DAY = 86_400
ORG = "E0KESTREL"

Site = Any


def fill(site: Site, count: int, *, first: int = NOW - 2 * DAY, every: int = 600) -> None:
    for number in range(count):
        site.slack.add(number, first + number * every)


def pages(site: Site) -> list[dict[str, str]]:
    """Parameters of the calls that read windows (the greeting has none)."""
    return [seen.parameters for seen in site.slack.calls if "oldest" in seen.parameters]


def test_checkpoint_saved_before_the_data_was_delivered(site: Site) -> None:
    """A window that breaks off in its midst moves no checkpoint; it is read whole later."""
    fill(site, 100, first=NOW - 4_000, every=30)
    site.slack.faults.extend([None, None, *["500"] * 30])  # greeting, first page, then nothing
    result = site.try_once(limit=10)
    assert isinstance(result.error, GaveUp)
    broken = site.coverage()
    assert (broken.complete_from, broken.complete_to, broken.state) == (None, None, "failing")
    site.slack.faults.clear()
    site.once(limit=10)
    assert site.ids() == site.slack.ids()
    assert site.coverage().complete_from == site.source.since


def test_oldest_is_lost_while_paging(site: Site) -> None:
    """Each call with a cursor repeats the ends of its window, the actions and the limit."""
    fill(site, 120, first=NOW - 4_000, every=30)
    site.once(limit=7, actions=("file_downloaded",))
    windows = set()
    for asked in pages(site):
        if not asked.get("cursor"):
            windows.add((asked["oldest"], asked["latest"]))
        assert (asked["oldest"], asked["latest"]) in windows
        assert asked["action"] == "file_downloaded"
    assert sum("cursor" in asked for asked in pages(site)) > 10
    assert site.ids() == site.slack.ids()


def test_paging_runs_back_past_the_window(site: Site) -> None:
    """A far side that forgets `oldest` behind a cursor does not lead through all of history."""
    fill(site, 400, first=NOW - 3 * DAY + 10, every=600)
    site.slack.ignores_oldest_with_cursor = True
    site.once(limit=5, since=NOW - 3_600)
    assert len(site.slack.calls) < 12
    assert set(site.slack.ids(oldest=NOW - 3_600)) <= set(site.ids())


def test_newest_first_listing_read_as_oldest_first(site: Site) -> None:
    """The newest data is there first, and stopping on the way leaves no hole behind it."""
    fill(site, 400, first=NOW - 2 * DAY + 10, every=400)
    site.slack.faults.extend([None] * 6 + ["500"] * 30)
    assert site.try_once(limit=10).error is not None
    there = site.ids()
    assert 10 <= len(there) < 400
    seconds = {entry.id: entry.second for entry in site.slack.entries}
    found = site.coverage()
    assert set(there) >= set(site.slack.ids(found.complete_from, found.complete_to))
    assert max(seconds[i] for i in there) == max(seconds.values())
    assert [(g.first, g.last) for g in found.gaps] == [(site.source.since, found.complete_from - 1)]


def test_a_listing_that_is_oldest_first_after_all(site: Site) -> None:
    """Nothing is lost when a far side sorts the other way round."""
    fill(site, 90, first=NOW - DAY, every=300)
    site.slack.ascending = True
    site.once()
    assert site.ids() == site.slack.ids()


@pytest.mark.parametrize("fault", ["stale", "bare400"])
def test_a_stale_cursor_stops_everything(site: Site, fault: str) -> None:
    """A refused cursor (HTTP 400, with or without a code) restarts its window."""
    fill(site, 100, first=NOW - 4_000, every=30)
    site.slack.faults.extend([None, None, fault, None, None, fault])
    site.once(limit=10)
    assert site.ids() == site.slack.ids()


def test_a_cursor_is_repeated(site: Site) -> None:
    """A far side that repeats a cursor is no endless loop: the window is read in smaller ones."""
    fill(site, 100, first=NOW - 4_000, every=30)
    site.slack.faults.extend([None, None, "repeat", "repeat", "repeat"])
    site.once(limit=10)
    assert site.ids() == site.slack.ids()
    limits = [int(asked["limit"]) for asked in pages(site)]
    assert min(limits) == 10  # a limit that small is not made smaller


def test_a_cursor_is_repeated_for_ever(site: Site) -> None:
    """Where every cursor leads back, a run with an end ends and says why; windows shrink to what
    one page holds, so what can be read is read."""
    fill(site, 40, first=NOW - 4_000, every=100)
    site.slack.faults.extend([None, *["repeat"] * 2_000])
    result = site.try_once(limit=9_999, since=NOW - 4_000)
    assert isinstance(result.error, GaveUp)
    assert "cursor" in str(result.error)
    assert len(site.slack.calls) < 60


def test_duplicates_and_misses_at_window_edges(site: Site) -> None:
    """With an event in every second, the inclusive edges of windows lose and double none."""
    fill(site, 1_500, first=NOW - 1_700, every=1)
    site.once(limit=40, since=NOW - 1_700, overlap=10)
    site.clock.advance(500)
    for number in range(2_000, 2_300):
        site.slack.add(number, NOW - 58 + number - 2_000)
    result = site.once(limit=40, since=NOW - 1_700, overlap=10)
    assert site.ids() == site.slack.ids()
    assert result.counts.stored + result.counts.already_there == result.counts.read


def test_more_events_in_one_second_than_a_page_holds(site: Site) -> None:
    """One second with more events than the limit comes whole, in one page or in several."""
    for number in range(130):
        site.slack.add(number, NOW - 1_000)
    fill(site, 0)
    site.once(limit=10)
    assert site.ids() == site.slack.ids()
    site.slack.splits_seconds = True
    for number in range(200, 330):
        site.slack.add(number, NOW + 10)
    site.clock.advance(300)
    site.once(limit=10)
    assert site.ids() == site.slack.ids()


def test_one_unsupported_action_name_refuses_the_whole_request(site: Site) -> None:
    """Refused names are found by few calls and said, the other actions are collected."""
    fill(site, 20)
    names = tuple(f"file_action_{i}" for i in range(40))
    site.slack.unsupported = {"file_downloaded_twice", "file_action_7"}
    result = site.once(actions=("file_downloaded", "file_downloaded_twice", *names))
    assert len(site.ids()) == 20
    told = " ".join(told.message for told in site.told)
    assert "file_action_7" in told
    assert "file_downloaded_twice: did you mean file_downloaded" in told
    found = site.coverage(actions=("file_downloaded", "file_downloaded_twice", *names))
    assert found.refused_actions == ("file_action_7", "file_downloaded_twice")
    probes = [seen for seen in site.slack.calls if "oldest" not in seen.parameters]
    assert len(probes) <= 24
    assert result.error is None


def test_all_actions_are_unsupported(site: Site) -> None:
    """When no name is left, that is an error of the settings."""
    site.slack.unsupported = {"nonsense", "more_nonsense"}
    with pytest.raises(BadSettings, match="None of the actions"):
        site.once(actions=("nonsense", "more_nonsense"))


def test_429_without_a_pause(site: Site) -> None:
    """Retry-After, in any letter case, holds for all calls of the organization."""
    fill(site, 100, first=NOW - 4_000, every=30)
    site.slack.faults.extend([None, None, "429", None, "429"])
    site.once(limit=10)
    times = [seen.at for seen in site.slack.calls]
    assert times[3] - times[2] >= 30
    assert times[5] - times[4] >= 30
    assert site.ids() == site.slack.ids()


@pytest.mark.parametrize("fault", ["429 bare", "429 odd"])
def test_429_that_does_not_say_how_long(site: Site, fault: str) -> None:
    """Without a Retry-After that can be read, the pauses grow by themselves."""
    fill(site, 10)
    site.slack.faults.extend([None, *[fault] * 4])
    site.once()
    times = [seen.at for seen in site.slack.calls]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[1] >= 0.5
    assert pauses[4] >= 4
    assert site.ids() == site.slack.ids()


def test_limit_is_ignored(site: Site) -> None:
    """Pages larger than the limit are taken as they are."""
    fill(site, 300, first=NOW - 4_000, every=10)
    site.slack.ignores_limit = True
    site.once(limit=10)
    assert site.ids() == site.slack.ids()


def test_empty_ip_address_and_session_id_in_three_types(site: Site) -> None:
    """An empty address is null, a session is text whether it came as number, text or null."""
    fill(site, 12)
    site.once()
    site.lake.events_view("_seen")
    rows = site.engine.rows("SELECT ip, session_id FROM _seen").to_pylist()
    assert {row["ip"] for row in rows} == {None, "203.0.113.7"}
    assert {row["session_id"] for row in rows} == {None, "847288190092"}


def test_polymorphic_details_break_the_parser(site: Site) -> None:
    """Details of any type, and times in micro- or milliseconds in them, are kept as they came."""
    values: list[Any] = ["text", ["a", 1], {"b": {"c": []}}, 1.5, None, True]
    for number, value in enumerate(values):
        details = {"new_value": value, "action_timestamp": 1_790_000_000_000_000 // 1_000**number}
        site.slack.add(number, NOW - 1_000, details=details)
    site.once()
    assert site.raws() == {entry.id: entry.raw for entry in site.slack.entries}


def test_events_without_id_and_times_as_floats(site: Site) -> None:
    """A time written 1.79e+09 is read; what is no event goes to the quarantine with its place, and
    neither stops the collector."""
    fill(site, 5)
    site.slack.add_raw(b'{"id":"float","date_create":1.789999e+09,"action":"a"}', 1_789_999_000)
    site.slack.add_raw(b'{"date_create":1789999001,"action":"a"}', 1_789_999_001)
    site.slack.add_raw(b"null", 1_789_999_002)
    site.slack.add_raw(b'{"id":"\\ud800","date_create":1789999003,"action":"a"}', 1_789_999_003)
    site.slack.add_raw(b'{"id":"\xff","date_create":1789999004,"action":"a"}', 1_789_999_004)
    result = site.once()
    assert site.ids() == sorted([*site.slack.ids(), "float"])
    quarantined = site.lake.verify().quarantine
    assert sum(quarantined.values()) == result.counts.quarantined == 4
    site.lake.view(_quarantine(), "_quarantine")
    rows = site.engine.rows("SELECT source, position FROM _quarantine").to_pylist()
    assert {row["source"] for row in rows} == {f"slack/{ORG}"}
    assert all("page 1, entries[" in row["position"] for row in rows)
    assert site.coverage().complete_from == site.source.since


def _quarantine() -> Any:
    from gridtrail.lake.schema import QUARANTINE_TABLE

    return QUARANTINE_TABLE


def test_late_events_are_never_fetched(site: Site) -> None:
    """An event that appears minutes late is in the overlap, one that appears a day late in the
    daily sweep; both are counted, with how late they were."""
    fill(site, 10)
    site.once()
    assert site.coverage().late_events == 0
    site.slack.add(100, NOW - 100, late=150)
    site.slack.add(101, NOW - 200, late=DAY - 2_000)
    site.clock.advance(400)
    site.once()
    assert "event-100" in site.ids()
    assert site.coverage().late_events == 1
    assert 400 < site.coverage().max_lateness < 700
    site.clock.advance(2 * DAY)
    site.once()
    assert site.ids() == site.slack.ids()
    found = site.coverage()
    assert found.late_events == 2
    assert found.max_lateness > 2 * DAY
    assert found.settled_to == found.complete_to - DAY


def test_a_first_sync_too_shallow(site: Site) -> None:
    """By default the history goes back to March 2018, in a number of calls that fits an hour."""
    site.slack.add(1, BEGINNING)
    site.slack.add(2, BEGINNING + 3 * 365 * DAY)
    site.slack.add(3, NOW - 1_000)
    site.once(since=BEGINNING)
    assert site.ids() == site.slack.ids()
    assert site.coverage().complete_from == BEGINNING
    assert len(site.slack.calls) < 60


def test_bytes_are_kept(site: Site) -> None:
    """Each event is stored byte for byte, Slack's escaped slashes included."""
    fill(site, 50)
    site.slack.add(99, NOW - 500, note='"},{"entries":[] ü  \u2028 \\', odd={"ü": "]}"})
    site.once(limit=9)
    assert site.raws() == {entry.id: entry.raw for entry in site.slack.entries}
    assert rb"a\/b.pdf" in site.raws()["event-99"]
    assert json.loads(site.raws()["event-99"])["odd"] == {"ü": "]}"}
