from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.sandbox.chance import dice, identifier, mix, stream


@given(st.integers(0, 2**40), st.text(max_size=8))
def test_streams_depend_on_seed_and_name_alone(seed: int, name: str) -> None:
    """The same seed and name give the same draws, another name gives others."""
    assert stream(seed, name).integers(2**60) == stream(seed, name).integers(2**60)
    assert dice(seed, name).random() == dice(seed, name).random()
    assert dice(seed, name).random() != dice(seed, name, "more").random()


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=4))
def test_mix_is_a_64_bit_function(numbers: list[int]) -> None:
    """`mix` gives the same number of 64 bits again and depends on the order."""
    assert 0 <= mix(*numbers) < 2**64
    assert mix(*numbers) == mix(*numbers)
    assert mix(*numbers, 1, 2) != mix(*numbers, 2, 1)


def test_ids_have_slacks_form() -> None:
    """An id is a letter, a zero and capitals or digits."""
    made = identifier("F", dice(1), 10)
    assert len(made) == 11
    assert made.startswith("F0")
    assert made.isupper()
    assert made.isalnum()
