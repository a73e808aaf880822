from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.escapes import spelt_out


def lengths(*texts: bytes) -> list[int]:
    ends = np.cumsum([len(text) for text in texts])
    starts = ends - [len(text) for text in texts]
    return [int(n) for n in spelt_out(b"".join(texts), starts, ends)]


@given(st.lists(st.text(max_size=6), max_size=6), st.booleans())
def test_a_length_is_that_of_the_text_without_escapes(texts: list[str], slashes: bool) -> None:
    """What is counted as spelt out is as long as the same JSON written without escapes."""
    texts = [t for t in texts if t.encode("utf-8", "replace").decode() == t]
    raws = [json.dumps(t).replace("/", r"\/" if slashes else "/").encode() for t in texts]
    for text, found in zip(texts, lengths(*raws), strict=True):
        shortest = json.dumps(text, ensure_ascii=False).encode()
        stays = "\\" in shortest.decode() or any(c == "\x7f" or ord(c) > 0xFFFF for c in text)
        assert found == (-1 if stays else len(shortest))


def test_escapes_that_must_stay_give_no_length() -> None:
    """Quotes, control characters, halves of pairs and broken escapes give -1, each for its own."""
    texts = [rb'"\/"', rb'"\""', rb'"\u00e9"', rb'"\n"', rb'"\ud83d"', rb'"\u12g4"', rb'"\\/"']
    assert lengths(*texts, rb'"\u00', b"\\") == [3, -1, 4, -1, -1, -1, -1, -1, -1]


def test_text_without_a_backslash_keeps_its_length() -> None:
    """No escapes, nothing to count."""
    assert lengths(b"abc", b"", b"{}") == [3, 0, 2]
