"""Finding unsupported actions by few calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.slack_api.probing import Probing


@given(refused=st.sets(st.integers(0, 64), max_size=6))
def test_probing_finds_just_the_refused(refused: set[int]) -> None:
    """By halving, all unsupported names are found and no other, in few calls."""
    names = [f"a{i:02}" for i in range(65)]
    bad = {names[i] for i in refused}
    probing, calls = Probing(names), 0
    while not probing.over:
        probing.answered(refused=bool(bad.intersection(probing.group)))
        calls += 1
    assert (set(probing.refused), set(probing.supported)) == (bad, set(names) - bad)
    assert calls <= 3 + 2 * 5 * len(bad)
