"""The collector as a whole: completeness, clocks, budget, health, several organizations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from gridtrail.collect.slack_api.asking import GaveUp
from gridtrail.collect.slack_api.coverage import collected
from gridtrail.collect.slack_api.running import collect
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.errors import BadSettings, WrongUse

NOW = 1_790_000_000
DAY = 86_400

Site = Any


def fill(site: Site, count: int, *, first: int = NOW - 2 * DAY, every: int = 600) -> None:
    for number in range(count):
        site.slack.add(number, first + number * every)


def latest_asked(site: Site) -> list[tuple[float, int]]:
    """When each window was asked for, and where it ended."""
    return [
        (seen.at, int(seen.parameters["latest"]))
        for seen in site.slack.calls
        if "latest" in seen.parameters
    ]


def test_everything_there_is_collected_once(site: Site) -> None:
    """Backfill takes all events since the day wanted, each once, and says so."""
    fill(site, 250)
    result = site.once()
    assert site.ids() == site.slack.ids()
    assert result.counts.stored == 250
    found = site.coverage()
    assert (found.complete_from, found.gaps) == (site.source.since, ())
    assert found.complete_to >= NOW - 61
    assert found.state == "working"


def test_before_anything_was_collected_nothing_is_claimed(site: Site) -> None:
    """Coverage of an organization that nobody collects claims nothing."""
    found = site.coverage()
    assert (found.complete_to, found.settled_to, found.state) == (None, None, "never")
    assert collected(site.lake) == []


def test_windows_are_frozen_a_settle_lag_in_the_past(site: Site) -> None:
    """No window ends later than the settle lag before the call; two that touch share no second."""
    fill(site, 100)
    site.follow(600, settle=90, poll=30)
    asked = latest_asked(site)
    assert len(asked) > 10
    assert all(latest <= at - 90 for at, latest in asked)


def test_following_takes_events_as_they_appear(site: Site) -> None:
    """A running collector has each event within the settle lag and two polls of its time."""
    fill(site, 60, first=NOW, every=20)
    site.follow(1_200, poll=60)
    assert set(site.slack.ids(latest=NOW + 1_200 - 200)) <= set(site.ids())
    assert len(site.ids()) == len(set(site.ids()))


@pytest.mark.parametrize("skew", [-7_200.0, -30.0, 30.0, 7_200.0])
def test_the_far_sides_clock_is_wrong(site: Site, skew: float) -> None:
    """Whether the far side's clock is ahead or behind, nothing is skipped and no range refused."""
    fill(site, 200, first=NOW - 3_600, every=60)
    site.slack.skew = skew
    for _ in range(3):
        site.once(since=NOW - DAY)
        site.clock.advance(3_000)
    site.slack.skew = 0
    site.clock.advance(7_300)
    site.once(since=NOW - DAY)
    assert site.ids() == site.slack.ids()


@pytest.mark.parametrize("offset", [-7_200.0, 7_200.0])
@pytest.mark.parametrize("dated", [True, False])
def test_this_machines_clock_steps(site: Site, offset: float, dated: bool) -> None:
    """Set wrong for a while and set right again, a clock makes nothing be skipped, even when the
    far side does not say what time it is."""
    site.slack.sends_date = dated
    fill(site, 240, first=NOW - 3_600, every=60)
    site.once(since=NOW - DAY)
    site.clock.offset = offset
    if offset < 0 or dated:
        site.once(since=NOW - DAY)
    site.follow(240, since=NOW - DAY)
    site.clock.offset = 0
    site.follow(240, since=NOW - DAY)
    site.clock.advance(3 * DAY)
    site.once(since=NOW - DAY)
    assert site.ids() == site.slack.ids()


def test_a_clock_that_was_ahead_is_made_good_at_once(site: Site) -> None:
    """After a run with a clock that was ahead, unnoticed because the far side did not say its
    time, the next run reads again what was marked as read before it was over."""
    site.slack.sends_date = False
    site.clock.offset = 7_200
    site.once(since=NOW - DAY)
    site.clock.offset = 0
    fill(site, 100, first=NOW + 10, every=30)
    site.clock.advance(4_000)
    site.once(since=NOW - DAY)
    assert site.ids() == site.slack.ids()
    assert site.coverage().complete_to <= NOW + 4_000
    assert any("went back" in told.message for told in site.told)


def test_a_wrong_clock_is_told(site: Site) -> None:
    """A clock that disagrees with the far side's is said once, with the direction."""
    site.clock.offset = 400
    site.once()
    assert ["400 s ahead" in told.message for told in site.told] == [True]


def test_empty_pages_with_a_cursor_go_on(site: Site) -> None:
    """A page without events but with a cursor is not the end."""
    fill(site, 100, first=NOW - 4_000, every=30)
    site.slack.faults.extend([None, "empty", "empty", None, "empty"])
    site.once(limit=10)
    assert site.ids() == site.slack.ids()


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (401, b'{"ok":false,"error":"invalid_authentication"}', "auditlogs:read"),
        (401, b"", "auditlogs:read"),
        (401, b"<html>Unauthorized</html>", "auditlogs:read"),
        (403, b'{"ok":false,"error":"user_not_authorized"}', "Org Owner"),
        (403, b'{"ok":false,"error":"team_not_authorized"}', "not on a workspace"),
        (403, b'{"ok":false,"error":"feature_not_enabled"}', "Enterprise plan"),
        (403, b"<html>blocked</html>", "Org Owner"),
        (404, b"<html>nothing here</html>", "collect.base_url"),
        (302, b"", "redirects"),
        (200, b'{"ok":false,"error":"missing_scope"}', "lacks a scope"),
        (200, b'{"ok":false,"error":"something\\u001b[2Jnew"}', "something??2Jnew"),
    ],
)
def test_a_refusal_names_the_next_step(site: Site, status: int, body: bytes, named: str) -> None:
    """A refused token ends the run with what to do, kept as the state, whatever body it has."""
    site.slack.refusal = (status, body, {})
    result = site.try_once()
    assert isinstance(result.error, BadSettings)
    assert named in str(result.error)
    assert site.coverage().state == "refused"
    assert site.coverage().why == str(result.error)


def test_a_refusal_on_the_way_is_waited_out(site: Site) -> None:
    """A running collector that is suddenly refused says so and goes on when it is over."""
    fill(site, 10)
    site.slack.faults.extend([None, None, *["html401"] * 9])
    site.follow(1_200, poll=200)
    assert "refused" in {told.health for told in site.told}
    assert "working" in {told.health for told in site.told}
    assert site.ids() == site.slack.ids()
    assert site.coverage().state == "working"


def test_the_state_is_kept_while_it_lasts(site: Site) -> None:
    """Whoever looks while the collector is refused, or fails, sees it."""
    site.slack.faults.extend([None, None, None, *["html401"] * 500])
    site.follow(1_000, poll=100)
    assert site.coverage().state == "refused"
    assert "auditlogs:read" in site.coverage().why
    site.slack.faults = type(site.slack.faults)([None, None, *["timeout"] * 500])
    site.follow(1_000, poll=100)
    assert site.coverage().state == "failing"


def test_many_failures_are_told_and_nothing_stops(site: Site) -> None:
    """A collector whose far side is gone for an hour says so, goes on trying, and says when it
    works again."""
    fill(site, 30)
    site.slack.faults.extend([None, *["refused", "timeout", "500"] * 12])
    site.follow(1_800, poll=300)
    assert next(told.health for told in site.told if told.health != "note") == "failing"
    assert site.told[-1].health == "working"
    assert site.ids() == site.slack.ids()


def test_a_run_with_an_end_gives_up_in_the_end(site: Site) -> None:
    """`--once` against a far side that is gone ends, as something to be called again."""
    site.slack.faults.extend(["refused"] * 100)
    result = site.try_once()
    assert isinstance(result.error, GaveUp)
    assert result.error.exit_code == 3
    assert site.coverage().state == "failing"


def test_the_budget_holds_for_all_readings_together(site: Site) -> None:
    """Backfilling and following together make no more calls in any minute than allowed."""
    fill(site, 600, first=NOW - DAY, every=100)
    site.slack.per_minute = 46  # one call may arrive a moment later than it was sent
    site.follow(180, limit=3, poll=30, calls_per_minute=45)
    assert len(site.slack.calls) > 120
    assert not any(seen.throttled for seen in site.slack.calls)


def test_throttling_by_others_slows_down_and_loses_nothing(site: Site) -> None:
    """When others use up the organization's limit, everything comes all the same."""
    fill(site, 300, first=NOW - DAY, every=200)
    site.slack.per_minute = 6
    site.once(limit=30, calls_per_minute=45)
    assert site.ids() == site.slack.ids()


def test_anomalies_alone(site: Site) -> None:
    """With one action, only its events are asked for; it claims nothing of the others, and both
    readings go on independently."""
    for number in range(60):
        action = "anomaly" if number % 20 == 0 else "file_downloaded"
        site.slack.add(number, NOW - DAY + number * 60, action=action)
    site.once(actions=("anomaly",))
    assert len(site.ids()) == 3
    assert site.coverage().complete_to is None
    assert site.coverage(actions=("anomaly",)).complete_from == site.source.since
    result = site.once()
    assert site.ids() == site.slack.ids()
    assert result.counts.already_there == 3
    assert collected(site.lake) == [Stream("E0KESTREL"), Stream("E0KESTREL", ("anomaly",))]


def test_more_than_thirty_actions(site: Site) -> None:
    """More actions than one call may name are asked for in several."""
    names = tuple(f"action_{i}" for i in range(70))
    for number in range(140):
        site.slack.add(number, NOW - DAY + number * 60, action=f"action_{number % 72}")
    site.once(actions=names, limit=5)
    wanted = [e.id for e in site.slack.entries if e.action in names]
    assert site.ids() == sorted(wanted)


def test_a_dense_window_is_read_in_smaller_ones(site: Site) -> None:
    """A window with far more pages than expected is cut down rather than read for hours."""
    fill(site, 900, first=NOW - 3_500, every=3)
    site.once(limit=4)
    assert site.ids() == site.slack.ids()
    per_window: dict[tuple[str, str], int] = {}
    for seen in site.slack.calls:
        if "oldest" in seen.parameters:
            key = (seen.parameters["oldest"], seen.parameters["latest"])
            per_window[key] = per_window.get(key, 0) + 1
    assert max(per_window.values()) <= 48
    assert len(site.slack.calls) < 400


@pytest.mark.parametrize("gather_bytes", [20_000, 10**9])
def test_what_is_stored_early_is_not_claimed_early(site: Site, gather_bytes: int) -> None:
    """Pages are stored before their window is whole, so memory is bounded; the checkpoint waits,
    also when the window turns out to be too dense."""
    fill(site, 250, first=NOW - 3_000, every=11)
    site.gather_bytes = gather_bytes
    site.slack.faults.extend([None] * 50 + ["refused"] * 40)
    assert site.try_once(limit=4).error is not None
    assert 4 * 48 <= len(site.ids()) < 250
    assert site.coverage().complete_to is None
    site.slack.faults.clear()
    site.gather_bytes = 10**9
    site.once(limit=4)
    assert site.ids() == site.slack.ids()


def test_history_that_begins_later(site: Site) -> None:
    """A far side that refuses times before its own beginning ends the backfill there."""
    fill(site, 20)
    site.slack.history_begins = NOW - 2 * DAY - 5_000
    site.once()
    assert site.ids() == site.slack.ids()
    assert site.coverage().gaps == ()
    assert any("history begins" in told.message for told in site.told)
    assert len(site.slack.calls) < 100


def test_since_is_moved_back_later(site: Site) -> None:
    """An earlier day wanted at a later run is backfilled from where the first run ended."""
    fill(site, 200)
    site.once(since=NOW - DAY)
    assert site.ids() == site.slack.ids(oldest=NOW - DAY)
    before = len(site.slack.calls)
    site.once(since=NOW - 3 * DAY)
    assert site.ids() == site.slack.ids()
    assert all(
        int(seen.parameters["latest"]) < NOW - DAY
        for seen in site.slack.calls[before:]
        if "latest" in seen.parameters and int(seen.parameters["latest"]) < NOW - 70
    )


def test_a_start_in_the_future_is_refused(site: Site) -> None:
    """`since` in the future is an error of the settings, and nothing is kept."""
    with pytest.raises(BadSettings, match="future"):
        site.once(since=NOW + DAY)
    assert site.coverage().complete_to is None


def test_progress_tells_how_far_and_how_long(site: Site) -> None:
    """Backfill tells the share of the time that is read and an estimate of what is left."""
    fill(site, 500, first=NOW - 2 * DAY, every=300)
    site.once(limit=20)
    done = [one.done for one in site.progress]
    assert done == sorted(done)
    assert site.progress[-1].done == site.progress[-1].all
    assert site.progress[-1].seconds_left == 0
    assert site.progress[0].seconds_left > 0


def test_the_token_is_sent_and_never_told(site: Site) -> None:
    """The token stands in the Authorization header and in no message, state or error."""
    secret = site.source.token.get_secret_value()
    site.slack.faults.extend(["refused", "html", "429"] * 3)
    site.slack.refusal = None
    site.once()
    assert {seen.authorization for seen in site.slack.calls} == {f"Bearer {secret}"}
    site.slack.refusal = (401, b"", {})
    result = site.try_once()
    everything = f"{site.told} {result} {site.coverage()} {site.source}"
    assert secret not in everything


def test_several_organizations_side_by_side(site: Site, make_site: Any) -> None:
    """Organizations share the lake and its thread, and nothing else: one that is refused costs the
    others nothing."""
    fill(site, 50)
    sources = [replace(site.source, org=org) for org in ("E0A", "E0B")]
    sources.append(replace(site.source, org="E0C", token=SecretStr("other")))
    results = asyncio.run(
        collect(
            sources,
            site.lake,
            site.engine,
            once=True,
            surroundings=replace(site.around(), writer=None),
        )
    )
    assert [result.counts.stored for result in results] == [50, 50, 50]
    assert [stream.org for stream in collected(site.lake)] == ["E0A", "E0B", "E0C"]
    assert site.lake.verify().ok


def test_two_collectors_of_one_stream_are_refused(site: Site) -> None:
    """The same stream twice in the settings, or in two processes, is said before any call."""
    both = collect(
        [site.source, site.source],
        site.lake,
        site.engine,
        once=True,
        surroundings=site.around(),
    )
    with pytest.raises(BadSettings, match="Two sources"):
        asyncio.run(both)

    async def inside() -> None:
        work = asyncio.ensure_future(
            collect([site.source], site.lake, site.engine, once=False, surroundings=site.around())
        )
        while not site.slack.calls:
            await asyncio.sleep(0)
        with pytest.raises(WrongUse, match="Another process"):
            await collect(
                [site.source], site.lake, site.engine, once=True, surroundings=site.around()
            )
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(inside())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"base_url": "https://api.slack.com/audit/v1/", "token": None}, "no token"),
        ({"base_url": "http://slack.example/audit/v1/"}, "unencrypted"),
        ({"base_url": "https://user:secret@slack.example/"}, "password"),
        ({"base_url": "ftp://slack.example/"}, "no address"),
        ({"base_url": "https://[broken/"}, "no address"),
        ({"org": "../E0"}, "cannot name"),
    ],
)
def test_a_source_that_cannot_be_called(site: Site, changes: Any, named: str) -> None:
    """What cannot work is said before any call, and without the secret."""
    with pytest.raises(BadSettings, match=named) as caught:
        site.once(**changes)
    assert "secret" not in str(caught.value)
    assert site.slack.calls == []
