"""Where a value of several lines ends."""

from __future__ import annotations

import pytest

from gridtrail.collect.enclosures import _GOES_ON


@pytest.mark.parametrize(
    ("rest", "goes_on"),
    [
        (b"\n  x", True),
        (b"\nx", False),
        (b"}", True),
        (b"\n\n]", True),
        (b"\n \n", True),
        (b"x", False),
        (b"\r\n\tx", True),
        (b"\n" * 60_000 + b"x", False),
    ],
)
def test_what_goes_on_behind_a_line(rest: bytes, goes_on: bool) -> None:
    """A pretty-printed value goes on with an indented line or a bracket, however many blank lines
    come first; other text at a line's beginning is something new."""
    assert bool(_GOES_ON.match(rest)) is goes_on
