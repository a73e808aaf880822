"""Tables of address ranges, looked up many at a time.

A table is the sorted positions at which the answer changes and the answer from there on, so that a
look-up is one binary search. IPv4 positions are uint32; IPv6 positions are 16 bytes, big-endian,
which numpy compares as it compares text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

NOTHING = -1
"""The answer for an address outside every range."""

LAST = {4: (1 << 32) - 1, 6: (1 << 128) - 1}

Range = tuple[int, int, int, int]
"""IP version (4 or 6), first and last address as numbers (both included), answer (>= 0)."""


class RangeTable:
    """Address -> small integer, for both versions of IP."""

    def __init__(
        self,
        starts4: NDArray[np.uint32],
        answers4: NDArray[np.int32],
        starts6: NDArray[np.bytes_],
        answers6: NDArray[np.int32],
    ) -> None:
        self._parts = {4: (starts4, answers4), 6: (starts6, answers6)}

    def __len__(self) -> int:
        return len(self._parts[4][0]) + len(self._parts[6][0])

    def find(self, version: int, numbers: Sequence[int]) -> NDArray[np.int32]:
        """The answers for addresses of one IP version, NOTHING where no range holds one."""
        starts, answers = self._parts[version]
        if not len(starts):
            return np.full(len(numbers), NOTHING, dtype=np.int32)
        at = np.searchsorted(starts, positions(version, numbers), side="right") - 1
        return np.where(at < 0, np.int32(NOTHING), answers[np.maximum(at, 0)])


def positions(version: int, numbers: Sequence[int]) -> NDArray[np.generic]:
    """Addresses of one IP version as numpy values that sort as the addresses do."""
    if version == 4:
        return np.array(numbers, dtype=np.uint32)
    return np.frombuffer(b"".join(n.to_bytes(16, "big") for n in numbers), dtype="S16")


def range_table(ranges: Iterable[Range]) -> RangeTable:
    """A table of ranges in any order; where they overlap, the one that starts later wins, of two
    that start together the narrower, of two equal ones the first given."""
    by_version: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    for version, first, last, answer in ranges:
        by_version[version].append((first, last, answer))
    four, six = flattened(by_version[4], LAST[4]), flattened(by_version[6], LAST[6])
    return RangeTable(
        np.array([start for start, _ in four], dtype=np.uint32),
        np.array([answer for _, answer in four], dtype=np.int32),
        np.frombuffer(b"".join(start.to_bytes(16, "big") for start, _ in six), dtype="S16"),
        np.array([answer for _, answer in six], dtype=np.int32),
    )


def flattened(ranges: list[tuple[int, int, int]], top: int) -> list[tuple[int, int]]:
    """Ranges (first, last, answer) as changes (position, answer from there on).

    Neighbouring ranges with one answer become one; NOTHING stands where a gap begins; `top` is the
    highest address there is.
    """
    changes: list[tuple[int, int]] = []
    open_ranges: list[tuple[int, int]] = []  # (last, answer), the innermost at the end

    def change(position: int, answer: int) -> None:
        if changes and changes[-1][0] == position:
            changes.pop()
        if answer != (changes[-1][1] if changes else NOTHING):
            changes.append((position, answer))

    def close_before(position: int) -> None:
        while open_ranges and open_ranges[-1][0] < position:
            ended = open_ranges.pop()[0]
            while open_ranges and open_ranges[-1][0] <= ended:
                open_ranges.pop()
            if ended < top:
                change(ended + 1, open_ranges[-1][1] if open_ranges else NOTHING)

    # a stable sort of the reversed input: of equal ranges the first given is opened last and wins
    backwards = ranges[::-1]
    for first, last, answer in sorted(backwards, key=lambda r: (r[0], -r[1])):
        close_before(first)
        change(first, answer)
        open_ranges.append((last, answer))
    close_before(top + 2)
    return changes
