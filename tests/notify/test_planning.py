"""What a channel sends next: order, bursts, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.notify.message import NOTICES
from gridtrail.notify.planning import HOUR, Pace, Waiting, plan

NOW = 1_795_132_800
EASY = Pace(grouping=0, hourly=0, urgent_rank=3, most=100)


def waiting(number: int, *findings: str, **more: Any) -> Waiting:
    """A notice that waits, about these findings."""
    about = findings or (f"F{number}",)
    more = {"due_at": more.get("created_at", NOW)} | more
    return replace(Waiting(f"m{number}", number, "created", about, 1, NOW, NOW, 0), **more)


def sent(*batches: list[Waiting]) -> list[list[str]]:
    """Ids of a plan."""
    return [[one.id for one in batch] for batch in batches]


def test_each_goes_alone_when_nothing_is_wanted_of_the_channel() -> None:
    """Without grouping and limit every message that is due goes at once, in order."""
    all_ = [waiting(2), waiting(1), waiting(3, due_at=NOW + 1)]
    assert sent(*plan(all_, [], EASY, NOW)) == [["m1"], ["m2"]]


def test_a_later_message_about_a_finding_waits_for_the_earlier() -> None:
    """Even when only the later one is due, and when the earlier one has to rest."""
    first = waiting(1, "F1", due_at=NOW + 60, attempts=2)
    later = waiting(2, "F1", kind="updated")
    other = waiting(3, "F2")
    assert sent(*plan([first, later, other], [], EASY, NOW)) == [["m3"]]


def test_a_burst_becomes_one_message() -> None:
    """The first of a burst waits for the others, and what came meanwhile goes with it."""
    pace = replace(EASY, grouping=30)
    burst = [waiting(1, created_at=NOW - 29), waiting(2, created_at=NOW - 1)]
    assert plan(burst, [], pace, NOW) == []
    assert sent(*plan(burst, [], pace, NOW + 1)) == [["m1", "m2"]]


def test_what_may_have_arrived_stays_as_it_is() -> None:
    """A message that was tried is sent again alone; only fresh ones are joined."""
    pace = replace(EASY, grouping=30)
    old = NOW - 60
    tried = waiting(1, created_at=old, attempts=1)
    fresh = [waiting(2, created_at=old), waiting(3, created_at=old)]
    assert sent(*plan([tried, *fresh], [], pace, NOW)) == [["m1"], ["m2", "m3"]]


def test_no_more_than_wanted_in_an_hour_and_the_rest_together() -> None:
    """Beyond the limit news wait until the hour lets one go, and are one message then; updates and
    what Gridtrail says of itself do not count."""
    pace = replace(EASY, grouping=1, hourly=2)
    rest = [waiting(n, created_at=NOW - 60) for n in (1, 2, 3)]
    update = waiting(4, kind="updated")
    lately = [NOW - HOUR + 10, NOW - 5]
    assert sent(*plan([*rest, update], lately, pace, NOW)) == [["m4"]]
    assert sent(*plan(rest, lately, pace, NOW + 10)) == [["m1", "m2", "m3"]]


def test_without_grouping_the_last_of_the_hour_takes_the_rest() -> None:
    """Two may go and five wait: the first alone, the other four as one."""
    pace = replace(EASY, hourly=2)
    five = [waiting(n) for n in range(1, 6)]
    assert sent(*plan(five, [], pace, NOW)) == [["m1"], ["m2", "m3", "m4", "m5"]]


def test_what_is_urgent_does_not_wait_for_the_hour() -> None:
    """A flood of small findings cannot hold up a critical one."""
    pace = replace(EASY, grouping=1, hourly=1)
    flood = [waiting(n, created_at=NOW - 60) for n in (1, 2, 3)]
    grave = waiting(4, created_at=NOW - 60, severity_rank=3)
    assert sent(*plan([*flood, grave], [NOW - 5], pace, NOW)) == [["m4"]]


WAITING = st.lists(
    st.builds(
        lambda findings, kind, rank, at, later: Waiting(
            "", 0, kind, tuple(findings), rank, at, at + later, 0
        ),
        st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=2, unique=True),
        st.sampled_from(["created", "raised", "updated", "work"]),
        st.integers(0, 3),
        st.integers(0, 2_000),
        st.sampled_from([0, 0, 0, 900]),
    ),
    max_size=40,
)
PACES = st.builds(
    Pace, st.sampled_from([0, 30, 120]), st.integers(0, 3), st.sampled_from([3, 4]), st.just(10)
)


@settings(max_examples=60)
@given(WAITING, PACES, st.sampled_from([40, 300, 1_000]), st.sets(st.integers(0, 30)))
def test_whatever_comes_all_of_it_goes_once_in_order_and_within_the_limit(
    coming: list[Waiting], pace: Pace, step: int, failing: set[int]
) -> None:
    """A channel that fails at times: each message goes exactly once, those about one finding in
    their order, news within the limit of the hour but for urgent ones, and none waits for ever."""
    coming = sorted(coming, key=lambda one: one.created_at)
    coming = [replace(one, id=f"m{n}", number=n) for n, one in enumerate(coming)]
    outside, inside = list(coming), list[Waiting]()
    gone: list[int] = []
    news: list[tuple[int, bool]] = []
    now = tries = 0
    while outside or inside:
        assert now < 60 * HOUR, "something waits for ever"
        inside += [one for one in outside if one.created_at <= now]
        outside = [one for one in outside if one.created_at > now]
        noticed = [at for at, _ in news]
        for batch in plan(inside, noticed, pace, now):
            inside = [one for one in inside if one not in batch]
            tries += 1
            if tries - 1 in failing:  # it fails, and from now on is what it is
                about = tuple(name for one in batch for name in one.finding_ids)
                parts = batch[0] if len(batch) == 1 else joined(batch, about)
                inside.append(replace(parts, attempts=parts.attempts + 1, due_at=now + 60))
                break
            gone += [n for one in batch for n in originals(one)]
            if batch[0].kind in NOTICES:
                urgent = max(one.severity_rank for one in batch) >= pace.urgent_rank
                news.append((now, urgent))
        now += step
    assert sorted(gone) == list(range(len(coming)))
    for name in "ABCDEFGH":
        order = [n for n in gone if name in coming[n].finding_ids]
        assert order == sorted(order)
    if pace.hourly:
        calm = [at for at, urgent in news if not urgent]
        assert all(sum(at - HOUR < other <= at for other in calm) <= pace.hourly for at in calm), (
            news
        )


def joined(batch: list[Waiting], about: tuple[str, ...]) -> Waiting:
    """Several that became one, in the place of the first: its id tells of which."""
    ids = "+".join(one.id for one in batch)
    rank = max(one.severity_rank for one in batch)
    return replace(
        batch[0], id=ids, kind="several", finding_ids=about, severity_rank=rank
    )  # fmt: skip


def originals(one: Waiting) -> list[int]:
    """The numbers of what became this message."""
    return [int(part.removeprefix("m")) for part in one.id.split("+")]
