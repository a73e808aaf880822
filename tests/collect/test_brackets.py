from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.brackets import State, brackets, openings


def slow(data: bytes, state: State) -> list[tuple[int, int, int]]:
    """The same, byte by byte."""
    found = []
    for i, byte in enumerate(data):
        if byte == 0x22 and not state.escaping:
            state.in_string = not state.in_string
        elif byte in b"[]{}" and not state.in_string:
            step = 1 if byte in b"[{" else -1
            state.depth += step
            found.append((i, step, state.depth))
        state.escaping = byte == 0x5C and not state.escaping
    return found


ALPHABET = st.text('{}[]"\\ab,', max_size=40).map(str.encode)


@given(st.lists(ALPHABET, max_size=5))
def test_the_scan_is_that_of_a_state_machine(pieces: list[bytes]) -> None:
    """On any bytes, cut anywhere, the vectorised scan equals one that goes byte by byte."""
    fast_state, slow_state = State(), State()
    for piece in pieces:
        found = brackets(piece, fast_state)
        triples = list(
            zip(found.at.tolist(), found.step.tolist(), found.depth.tolist(), strict=True)
        )
        assert triples == slow(piece, slow_state)
        assert fast_state == slow_state


@given(st.recursive(st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_json_is_balanced(value: object) -> None:
    """After a whole JSON value the depth is zero and no string is open."""
    state = State()
    brackets(json.dumps(value).encode(), state)
    assert state == State()


def test_openings_in_a_large_block() -> None:
    """Positions are right beyond the size of one window."""
    data = b"x" * 65_535 + b"{" + b"y" * 70_000 + b"["
    assert openings(data).tolist() == [65_535, 135_536]
