"""A stretch of bytes with records in it, and what to say about a record's place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridtrail.collect.brackets import Positions

KEPT_BYTES = 64 * 1024
"""So much is kept of a record that is too large."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records `buffer[starts[i]:ends[i]]`; `place(i)` says where record i was found.

    `outer` are the records' envelopes where they were taken out of one, for the quarantine.
    """

    buffer: bytes
    starts: Positions
    ends: Positions
    place: Callable[[int], str]
    outer: Sequence[bytes] | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, i: int) -> bytes:
        """The bytes of record i."""
        return self.buffer[self.starts[i] : self.ends[i]]

    @classmethod
    def of(
        cls, items: Sequence[bytes], places: Sequence[str], outer: Sequence[bytes] | None = None
    ) -> Records:
        """Records that were made one by one."""
        ends = np.cumsum(np.fromiter(map(len, items), np.int64, len(items)))
        starts = ends - np.fromiter(map(len, items), np.int64, len(items))
        return cls(b"".join(items), starts, ends, places.__getitem__, outer)


@dataclass(slots=True)
class Cut:
    """A record that is not there whole: too large to keep, or cut off by the end of the file.

    `add` takes its bytes piece by piece; the first KEPT_BYTES are kept.
    """

    place: str
    reason: str = "too_large"  # or "truncated"
    message: str = ""
    head: bytes = b""
    size: int = 0  # bytes
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the record."""
        self.head += piece[: KEPT_BYTES - len(self.head)]
        self.size += len(piece)
        self.digest.update(piece)
