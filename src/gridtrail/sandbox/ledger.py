"""The audit log as the simulated Slack holds it: released events, found by time and by filters.

Texts stand in one unnamed temporary file; in memory stays a small index ordered by time. Finding
a page takes a binary search, and with filters a scan of the index from the newest.
"""

from __future__ import annotations

import os
import sys
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from gridtrail.sandbox.event_text import Fields


@dataclass(frozen=True, slots=True)
class Search:
    """Which events: seconds with both bounds included, any of `actions`, and ids.

    None and empty stand for no filter.
    """

    oldest: int | None = None
    latest: int | None = None
    actions: frozenset[str] = frozenset()
    actor: str = ""
    entity: str = ""

    @property
    def filters(self) -> bool:
        """Whether more than time decides."""
        return bool(self.actions or self.actor or self.entity)


@dataclass(frozen=True, slots=True)
class Page:
    """Events as JSON texts, newest first; `older` is the second of the next event that fits."""

    events: list[bytes]
    older: int | None


class Ledger:
    """Events in the order of their seconds, later arrivals of one second after earlier ones.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=1 << 20)  # noqa: SIM115 - lives as long
        self._end = 0
        self._dirty = False
        self._seconds = array("q")
        self._offsets = array("q")
        self._lengths = array("L")
        self._actions: list[str] = []
        self._actors: list[str] = []
        self._entities: list[str] = []

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, second: int, text: bytes, fields: Fields) -> int:
        """Hold one more event; returns where its text stands, for `text`."""
        self._file.write(text)
        self._dirty = True
        offset = self._end
        self._end += len(text)
        seconds = self._seconds
        place = len(seconds)
        if place and second < seconds[-1]:
            place = bisect_right(seconds, second)
        if place == len(seconds):
            seconds.append(second)
            self._offsets.append(offset)
            self._lengths.append(len(text))
            self._actions.append(sys.intern(fields.action))
            self._actors.append(sys.intern(fields.actor))
            self._entities.append(sys.intern(fields.entity))
        else:
            seconds.insert(place, second)
            self._offsets.insert(place, offset)
            self._lengths.insert(place, len(text))
            self._actions.insert(place, fields.action)
            self._actors.insert(place, fields.actor)
            self._entities.insert(place, fields.entity)
        return offset

    @property
    def newest(self) -> int | None:
        """The second of the newest event."""
        return self._seconds[-1] if self._seconds else None

    def page(self, search: Search, limit: int) -> Page:
        """The newest `limit` events that fit, and all others of the last one's second."""
        places: list[int] = []
        seconds = self._seconds
        for place in self._matching(search):
            if len(places) >= limit and seconds[place] != seconds[places[-1]]:
                return Page(self._texts(places), seconds[place])
            places.append(place)
        return Page(self._texts(places), None)

    def count(self, search: Search) -> int:
        """How many events fit."""
        return sum(1 for _ in self._matching(search))

    def _matching(self, search: Search) -> Iterator[int]:
        """Places of the events that fit, newest first."""
        seconds = self._seconds
        low = 0 if search.oldest is None else bisect_left(seconds, search.oldest)
        high = len(seconds)
        if search.latest is not None:
            high = bisect_right(seconds, search.latest)
        places: Iterator[int] = iter(range(high - 1, low - 1, -1))
        if search.actions:
            names, kept = self._actions, search.actions
            places = (place for place in places if names[place] in kept)
        if search.actor:
            actors, actor = self._actors, search.actor
            places = (place for place in places if actors[place] == actor)
        if search.entity:
            entities, entity = self._entities, search.entity
            places = (place for place in places if entities[place] == entity)
        return places

    def _texts(self, places: list[int]) -> list[bytes]:
        self._settle()
        number = self._file.fileno()
        offsets, lengths = self._offsets, self._lengths
        return [os.pread(number, lengths[place], offsets[place]) for place in places]

    def text(self, offset: int, length: int) -> bytes:
        """`length` bytes of what `add` put at `offset`."""
        self._settle()
        return os.pread(self._file.fileno(), length, offset)

    def _settle(self) -> None:
        if self._dirty:
            self._file.flush()
            self._dirty = False

    def close(self) -> None:
        """Let go of the temporary file."""
        self._file.close()
