"""Which anomalies belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.triage.anomaly import DAY_SECONDS, Raised
from gridtrail.triage.join import DAILY_SECONDS, LONGEST_SECONDS, JoinKey, join

VOLUME = frozenset({"volume"})


def raised(event_id: str, at: int, actor: str | None = "W1") -> Raised:
    return Raised("E0", event_id, at, actor, VOLUME)


def ids(groups: list[tuple[Raised, ...]]) -> list[list[str]]:
    return [[one.id for one in group] for group in groups]


def test_a_gap_of_a_day_and_a_half_joins_and_a_second_more_does_not() -> None:
    """The gap between neighbours counts, not the distance from the first."""
    gap = DAILY_SECONDS
    chain = [raised("a", 0), raised("b", gap), raised("c", 2 * gap), raised("d", 3 * gap + 1)]
    assert ids(join(chain)) == [["a", "b", "c"], ["d"]]


def test_a_session_in_other_hands() -> None:
    """Odd access in one session is one story also after a weekend; volume there is none."""
    odd, volume = frozenset({"session"}), VOLUME
    days = [(0, odd), (2, volume), (4, odd), (11, odd), (19, odd)]
    chain = [Raised("E0", f"{day}", day * DAY_SECONDS, "W1", f, "S1") for day, f in days]
    assert ids(join(chain)) == [["0", "4", "11"], ["2"], ["19"]]


def test_an_island_is_cut_after_fourteen_days() -> None:
    """A noisy actor's anomalies are cut before an island would span more than fourteen days."""
    hours = [raised(f"{n:04}", n * 3_600) for n in range(24 * 30)]
    groups = join(hours)
    assert len(groups) == 3
    assert all(group[-1].at - group[0].at <= LONGEST_SECONDS for group in groups)


def test_a_second_key_unites_islands_of_the_first() -> None:
    """Keys are a table: with another key, groups that share its value become one."""
    actor = JoinKey("actor", DAY_SECONDS, lambda one: one.actor)
    first_letter = JoinKey("letter", DAY_SECONDS, lambda one: one.id[0])
    rows = [raised("a1", 0, "W1"), raised("b1", 1, "W1"), raised("b2", 2, "W2")]
    assert ids(join(rows, [actor])) == [["a1", "b1"], ["b2"]]
    assert ids(join(rows, [actor, first_letter])) == [["a1", "b1", "b2"]]


def test_what_comes_from_an_address_that_tried_many_accounts() -> None:
    """Within two hours, hits of access and odd addresses join the trying; other clients of the same
    address do not, and without the trying nothing is joined by the address."""

    def hit(event_id: str, at: int, actor: str | None, *, tries: bool = False) -> Raised:
        families = frozenset({f"rule:{event_id}"})
        return Raised(
            "E0", event_id, at, actor, families, ip="203.0.113.9", level="medium",
            shows=frozenset({"session"}), tries=tries,
        )  # fmt: skip

    def odd(event_id: str, at: int, family: str) -> Raised:
        return Raised("E0", event_id, at, event_id, frozenset({family}), ip="203.0.113.9")

    rows = [hit("by tool", 60, "W1"), hit("later", 9_001, "W4")]
    rows += [odd("place", 1_800, "network"), odd("client", 90, "client")]
    alone = [["by tool"], ["client"], ["place"], ["later"]]
    assert ids(join(rows)) == alone
    tried = hit("tried", 0, None, tries=True)
    assert ids(join([*rows, tried])) == [["tried", "by tool", "place"], ["client"], ["later"]]


@given(
    st.lists(
        st.tuples(st.integers(0, 40 * DAY_SECONDS), st.sampled_from(["W1", "W2", None])),
        max_size=40,
    ).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows)))))
)
def test_every_anomaly_is_in_one_group_whatever_the_order(
    drawn: tuple[list[tuple[int, str | None]], list[int]],
) -> None:
    """Groups partition the anomalies, hold one actor, and do not depend on the input's order."""
    rows, order = drawn
    known = [raised(f"e{n:02}", at, actor) for n, (at, actor) in enumerate(rows)]
    groups = join(known)
    assert sorted(one.id for group in groups for one in group) == [one.id for one in known]
    assert all(len({one.actor for one in group}) == 1 for group in groups)
    assert join(known[n] for n in order) == groups
