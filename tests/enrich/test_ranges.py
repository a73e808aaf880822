"""Tables of address ranges."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.ranges import LAST, NOTHING, flattened, range_table

small = st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 5)).map(
    lambda r: (r[0], min(r[0] + r[1], 47), r[2])
)


def winner(ranges: list[tuple[int, int, int]], position: int) -> int:
    """The answer by the rule: latest start, then narrowest, then first given."""
    holding = [r for r in ranges if r[0] <= position <= r[1]]
    return min(holding, key=lambda r: (-r[0], r[1]))[2] if holding else NOTHING


@given(st.lists(small, max_size=8))
def test_nested_ranges_are_answered_by_the_innermost(ranges: list[tuple[int, int, int]]) -> None:
    """Flattened ranges give every position the answer of the rule, and no change is idle."""
    nested = [
        r
        for r in ranges
        if not any(o[0] < r[0] <= o[1] < r[1] or r[0] < o[0] <= r[1] < o[1] for o in ranges)
    ]
    changes = flattened(nested, 47)
    for position in range(48):
        answers = [answer for start, answer in changes if start <= position]
        assert (answers[-1] if answers else NOTHING) == winner(nested, position)
    starts = [start for start, _ in changes]
    assert starts == sorted(set(starts))
    assert all(a[1] != b[1] for a, b in pairwise(changes))


@given(st.lists(small, max_size=8))
def test_overlapping_ranges_cover_what_they_cover(ranges: list[tuple[int, int, int]]) -> None:
    """However ranges overlap, a position has an answer when one of them holds it."""
    changes = flattened(ranges, 47)
    for position in range(48):
        answers = [answer for start, answer in changes if start <= position]
        holding = {r[2] for r in ranges if r[0] <= position <= r[1]}
        assert (answers[-1] in holding) if holding else (not answers or answers[-1] == NOTHING)


@pytest.mark.parametrize("version", [4, 6])
def test_first_and_last_addresses_are_found(version: int) -> None:
    """A range answers for its ends and not for its neighbours, at the edges of the space too."""
    top = LAST[version]
    table = range_table([(version, 0, 1, 7), (version, 10, 20, 8), (version, top - 1, top, 9)])
    asked = [0, 1, 2, 9, 10, 20, 21, top - 2, top - 1, top]
    assert table.find(version, asked).tolist() == [7, 7, -1, -1, 8, 8, -1, -1, 9, 9]


def test_versions_do_not_mix() -> None:
    """An IPv6 range says nothing of the IPv4 address with the same number."""
    table = range_table([(6, 5, 5, 1)])
    assert table.find(4, [5]).tolist() == [NOTHING]
    assert table.find(6, [5]).tolist() == [1]
    assert table.find(6, []).tolist() == []


@given(st.lists(st.integers(0, LAST[6]), min_size=1, max_size=20, unique=True))
def test_wide_numbers_are_compared_as_numbers(numbers: list[int]) -> None:
    """Single IPv6 addresses of any bits are found, also those that end with zero bytes."""
    table = range_table((6, n, n, at) for at, n in enumerate(numbers))
    assert table.find(6, numbers).tolist() == list(range(len(numbers)))
