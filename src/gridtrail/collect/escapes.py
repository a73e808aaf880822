r"""How long JSON text would be if its strings spelt out what they escape; vectorised.

`\/` and `\u00e9` say in more bytes what a string can hold as it is. The embedded engine writes
`/` and `é`; the length it comes to is known without reading the text as JSON.
"""

from __future__ import annotations

import numpy as np

from gridtrail.collect.brackets import Positions, positions

_BACKSLASH, _SLASH, _U = 0x5C, 0x2F, 0x75
_HEX = np.full(256, -1, np.int32)
_HEX[[*b"0123456789"]] = np.arange(10)
_HEX[[*b"abcdef"]] = _HEX[[*b"ABCDEF"]] = np.arange(10, 16)


def spelt_out(data: bytes, starts: Positions, ends: Positions) -> Positions:
    r"""The bytes of each `data[starts[i]:ends[i]]` with `\/` and `\uXXXX` spelt out.

    -1 where it has any other escape, one that must stay (below U+0080), or half a surrogate pair.
    `starts` and `ends` are sorted and the texts do not overlap.
    """
    at = positions(data, _BACKSLASH)
    length: Positions = (ends - starts).astype(np.int64)
    if not len(at):
        return length
    saved = _saved(np.frombuffer(data, np.uint8), at)
    first, last = np.searchsorted(at, starts), np.searchsorted(at, ends)
    total, kept = _running(np.maximum(saved, 0)), _running(saved < 0)
    length -= total[last] - total[first]
    length[kept[last] > kept[first]] = -1
    return length


def _saved(view: np.ndarray[tuple[int], np.dtype[np.uint8]], at: Positions) -> Positions:
    """Bytes that each escape takes beyond what it stands for; -1 where it has to stay."""
    end = len(view) - 1
    following = view[np.minimum(at + 1, end)]
    saved = np.where(following == _SLASH, 1, -1)
    coded = np.flatnonzero(following == _U)
    if len(coded):
        digits = _HEX[view[np.minimum(at[coded, None] + np.arange(2, 6), end)]]
        code = digits @ np.array([4096, 256, 16, 1], np.int32)
        stays = (digits < 0).any(axis=1) | (code < 0x80) | ((code >= 0xD800) & (code <= 0xDFFF))
        saved[coded] = np.where(stays, -1, np.where(code < 0x800, 4, 3))
    return saved


def _running(values: np.ndarray[tuple[int], np.dtype[np.int64 | np.bool_]]) -> Positions:
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
