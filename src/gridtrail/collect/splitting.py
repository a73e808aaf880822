"""A stream of bytes to records: lines, and the elements of JSON arrays and API pages.

A line is a record. Where a line opens an array, an API page (`{"entries": [`) or a value that
goes on over several lines, the stream is read by its brackets until that is closed, then by
lines again; so a file may hold all of them in turn. Memory is bounded by the size of the blocks
and of the largest record allowed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridtrail.collect.brackets import State, brackets, positions
from gridtrail.collect.enclosures import Enclosure, container, opened
from gridtrail.collect.records import Cut, Records

BOM = b"\xef\xbb\xbf"
_NEWLINE, _RETURN = 0x0A, 0x0D


class Splitter:
    """Records out of blocks: `feed` each block in order, then `finish`.

    After `finish`, `unclosed` says whether the stream ended inside of a value.
    """

    def __init__(self, max_record_bytes: int) -> None:
        self.unclosed = False
        self._limit = max_record_bytes
        self._data = b""  # not yet split
        self._line = 1  # the line at which _data starts
        self._begun = False
        self._inside: Enclosure | None = None
        self._cut: Cut | None = None  # an oversized record whose rest is being passed over
        self._passing = State()

    def feed(self, block: bytes) -> Iterator[Records | Cut]:
        """The records that are complete with `block`."""
        self._data = self._data + block if self._data else block
        del block  # large, and not needed while the records are worked on
        if not self._begun:
            if len(self._data) < len(BOM):
                return
            self._begun = True
            self._data = self._data.removeprefix(BOM)
        yield from self._split(last=False)

    def finish(self) -> Iterator[Records | Cut]:
        """The records that the end of the stream completes or cuts off (a Cut `truncated`)."""
        self._data = self._data if self._begun else self._data.removeprefix(BOM)
        yield from self._split(last=True)
        self.unclosed = self._inside is not None or self._cut is not None
        if self._cut is not None:
            yield self._cut
        elif self._data.strip():
            self.unclosed = True
            place = self._inside.place() if self._inside else f"line {self._line}"
            cut = Cut(place, "truncated", "The file ends inside of it: get the file again.")
            cut.add(self._data)
            yield cut

    def _split(self, *, last: bool) -> Iterator[Records | Cut]:
        going_on = True
        piece: Records | Cut | None
        while going_on and self._data:
            if self._cut is not None:
                piece, going_on = self._pass_over(self._cut)
            elif self._inside is not None:
                piece, going_on = self._by_brackets(self._inside)
            else:
                piece, going_on = self._by_lines(last=last)
            if piece is not None:
                yield piece

    def _advance(self, end: int) -> None:
        self._line += self._data.count(b"\n", 0, end)
        self._data = self._data[end:]

    def _enter(self, inside: Enclosure, skip: int) -> None:
        inside.line = self._line + self._data.count(b"\n", 0, max(skip - 1, 0))
        self._advance(skip)
        self._inside = inside

    def _by_lines(self, *, last: bool) -> tuple[Records | Cut | None, bool]:
        end = self._data.rfind(b"\n") + 1
        if last and _is_whole(self._data[end:]):
            end = len(self._data)
        if end == 0:
            return None, self._long_line()
        lines = _Lines(self._data, end, self._line)
        for i in lines.unusual():
            start = int(lines.starts[i])
            found = opened(self._data, start, int(lines.ends[i]), last=last)
            if found is None:
                continue
            inside, skip = found
            piece = lines.records(i)
            self._advance(start)
            if inside is None:  # more bytes are needed to tell
                return piece, False
            self._enter(inside, skip)
            return piece, True
        piece = lines.records(len(lines.starts))
        self._advance(end)
        return piece, bool(self._data) and len(self._data) > self._limit

    def _long_line(self) -> bool:
        """A line that has not ended yet: wait (False) or take it for what its beginning says."""
        if len(self._data) <= self._limit:
            return False
        found = container(self._data, 0)
        if found is None:
            self._cut = Cut(f"line {self._line}")
        else:
            self._enter(*found)
        return True

    def _by_brackets(self, inside: Enclosure) -> tuple[Records | None, bool]:
        records, used, closed = inside.take(self._data)
        self._advance(used)
        if closed:
            self._inside = None
        elif used == 0 and len(self._data) > self._limit:
            self._cut = Cut(inside.place())
            self._passing = State(depth=inside.base)
            return records, True
        return records, closed or used > 0

    def _pass_over(self, cut: Cut) -> tuple[Cut | None, bool]:
        """Drop an oversized record up to its newline or its closing bracket."""
        if self._inside is None:
            end = self._data.find(b"\n")
        else:
            end = _end_of_element(self._data, self._passing, self._inside.base)
        size = len(self._data) if end < 0 else end
        cut.add(self._data[:size])
        self._advance(size)
        if end < 0:
            return None, False
        self._cut = None
        if self._inside is not None and self._inside.after_cut():
            self._inside = None
        return cut, True


def _is_whole(tail: bytes) -> bool:
    """Whether text without a newline behind it is a record, rather than the half of one."""
    if not tail.lstrip().startswith(b"{"):
        return True
    state = State()
    brackets(tail, state)
    return state.depth <= 0 and not state.in_string


def _end_of_element(data: bytes, state: State, base: int) -> int:
    """Where the element that `state` is in ends in `data`, or -1."""
    found = brackets(data, state)
    ends = np.flatnonzero((found.step < 0) & (found.depth <= base))
    if not len(ends):
        return -1
    first = int(ends[0])
    own = int(found.depth[first]) == base  # else it is the bracket around all elements
    return int(found.at[first]) + own


class _Lines:
    """The lines of `data[:end]`; empty ones are no records."""

    def __init__(self, data: bytes, end: int, first: int) -> None:
        self._data, self._first = data, first
        newlines = positions(data, _NEWLINE)
        newlines = newlines[newlines < end]
        starts = np.concatenate([np.zeros(1, np.int64), newlines + 1])
        ends = np.append(newlines, end)
        view = np.frombuffer(data, np.uint8)
        ends -= (ends > starts) & (view[np.maximum(ends - 1, 0)] == _RETURN)
        self._numbers = np.flatnonzero(ends > starts)
        self.starts, self.ends = starts[self._numbers], ends[self._numbers]

    def unusual(self) -> list[int]:
        """Lines that are not `{…}`, which need a closer look."""
        view = np.frombuffer(self._data, np.uint8)
        usual = (view[self.starts] == ord("{")) & (view[self.ends - 1] == ord("}"))
        return [int(i) for i in np.flatnonzero(~usual)]

    def records(self, count: int) -> Records | None:
        """The first `count` lines, or None when there are none."""
        if not count:
            return None
        numbers, first = self._numbers, self._first
        return Records(
            self._data,
            self.starts[:count],
            self.ends[:count],
            lambda i: f"line {first + int(numbers[i])}",
        )
