"""JSON that goes on over more than a line: arrays, API pages, pretty-printed values."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from gridtrail.collect.brackets import Brackets, Positions, State, brackets
from gridtrail.collect.records import Records

_HEAD = 64 * 1024  # so far into an object its "entries" is looked for

_ARRAY = re.compile(rb"\s*\[(?=\s*(?:[{\]]|\Z))")
# Only runs of one class are possessive: possessive groups are broken in Python before 3.11.5.
_STRING = rb'"(?:[^"\\]++|\\.)*"'
_FLAT = rb'(?:[^{}\[\]"]++|' + _STRING + rb")*"
_NESTED = rb"[{\[]" + _FLAT + rb"(?:[{\[]" + _FLAT + rb"[}\]]" + _FLAT + rb")*[}\]]"
# an object whose key "entries" opens an array, behind values of at most two levels
_PAGE = re.compile(
    rb'\s*+\{(?:[^{}\[\]"]++|(?!"entries")' + _STRING + rb"|" + _NESTED + rb")*"
    rb'"entries"\s*+:\s*+\[',
    re.DOTALL,
)
_GOES_ON = re.compile(rb"\s*+\Z|[ \t\r\n]*+(?:[\"}\]]|(?<=[ \t])\S)")
_OPEN_AT_END = re.compile(rb"[\[{,]\s*\Z")

Kind = Literal["array", "page", "value"]


class Enclosure:
    """What surrounds the records at this place of the stream.

    `base` is the depth of brackets around an element: array 1, page 2, a value by itself 0.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.base = {"array": 1, "page": 2, "value": 0}[kind]
        self.line = 1
        self._count = 0
        self._finishing = False  # the entries of a page are over, the page is not

    def place(self) -> str:
        """Where the next element is."""
        return self._place(self._count)

    def _place(self, number: int) -> str:
        if self.kind == "value":
            return f"line {self.line}"
        where = f"entries[{number}]" if self.kind == "page" else f"[{number}]"
        return where if self.line == 1 else f"line {self.line}, {where}"

    def after_cut(self) -> bool:
        """Count an element that was passed over; True when nothing can follow it."""
        self._count += 1
        return self.kind == "value"

    def take(self, data: bytes) -> tuple[Records | None, int, bool]:
        """The complete elements of `data`, the number of bytes used, and whether all is closed.

        What was not used has to be given again with more behind it.
        """
        found = brackets(data, State(depth=1 if self._finishing else self.base))
        if self._finishing:
            end = _first(found, found.depth <= 0)
            return None, 0 if end is None else end + 1, end is not None
        if self.kind == "value":
            return self._value(data, found)
        stop = _first(found, found.depth < self.base)
        end = len(data) if stop is None else stop
        starts, ends = self._spans(data, found, end, closed=stop is not None)
        records = None
        if len(starts):
            first = self._count
            self._count += len(starts)
            records = Records(data, starts, ends, lambda i: self._place(first + i))
        if stop is None:
            return records, int(ends[-1]) if len(ends) else 0, False
        self._finishing = self.kind == "page"
        return records, stop + 1, self.kind == "array"

    def _value(self, data: bytes, found: Brackets) -> tuple[Records | None, int, bool]:
        end = _first(found, found.depth <= 0)
        if end is None:
            return None, 0, False
        start = len(data) - len(data.lstrip())
        return Records.of([data[start : end + 1]], [self.place()]), end + 1, True

    def _spans(
        self, data: bytes, found: Brackets, end: int, *, closed: bool
    ) -> tuple[Positions, Positions]:
        """Elements before `end`: bracketed ones, and what else stands between them."""
        inside = found.at < end
        starts = found.at[inside & (found.step > 0) & (found.depth == self.base + 1)]
        ends = found.at[inside & (found.step < 0) & (found.depth == self.base)] + 1
        starts = starts[: len(ends)]  # the last one may be open
        between = np.concatenate([np.zeros(1, np.int64), ends])
        until = np.append(starts, end) if closed else starts
        others = [
            span
            for a, b in zip(between.tolist(), until.tolist(), strict=False)
            if b - a != 1 and (span := _filled(data, a, b)) is not None
        ]
        if not others:
            return starts, ends
        extra = np.array(others, np.int64)
        starts, ends = np.append(starts, extra[:, 0]), np.append(ends, extra[:, 1])
        order = np.argsort(starts)
        return starts[order], ends[order]


def _first(found: Brackets, where: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
    hits = np.flatnonzero(where)
    return int(found.at[hits[0]]) if len(hits) else None


def _filled(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The part of a gap between elements that is more than spaces and commas."""
    gap = data[start:end]
    text = gap.strip(b" \t\r\n,")
    if not text:
        return None
    first = start + gap.index(text)
    return first, first + len(text)


def container(data: bytes, start: int) -> tuple[Enclosure, int] | None:
    """The array or page that opens at `start`, and where its first element can be."""
    if found := _ARRAY.match(data, start, start + _HEAD):
        return Enclosure("array"), found.end()
    if found := _PAGE.match(data, start, start + _HEAD):
        return Enclosure("page"), found.end()
    return None


def opened(data: bytes, start: int, end: int, *, last: bool) -> tuple[Enclosure | None, int] | None:
    """What the line `data[start:end]` opens, and where to read on (counted from `start`).

    None: nothing, it is a record (perhaps a bad one). (None, 0): more bytes are needed to tell.
    """
    line = data[start:end]
    if _ARRAY.match(line):
        return Enclosure("array"), line.index(b"[") + 1
    if not line.lstrip().startswith(b"{"):
        return None
    if found := _PAGE.match(line):
        return Enclosure("page"), found.end()
    state = State()
    brackets(line, state)
    if state.depth <= 0 or state.in_string or not _OPEN_AT_END.search(line):
        return None
    if not last and len(data) - start < _HEAD:
        return None, 0
    if found := _PAGE.match(data, start, start + _HEAD):
        return Enclosure("page"), found.end() - start
    # A record that was cut off may end so by chance; then another record stands in the place where
    # a value over several lines is indented or goes on with a key or a bracket.
    if _GOES_ON.match(data, end, end + _HEAD):
        return Enclosure("value"), 0
    return None
