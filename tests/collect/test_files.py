from __future__ import annotations

import gzip
import io
import random
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.collect.files import Source

TEXT = b"".join(random.Random(1).randbytes(20).hex().encode() + b"\n" for _ in range(20_000))


def content(data: bytes, size: int = 100_000) -> tuple[bytes, Source]:
    source = Source(io.BytesIO(data))
    return b"".join(source.blocks(size)), source


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
        gzip.compress(TEXT) + b"\0" * 300_000,
        gzip.compress(b"") + gzip.compress(TEXT),
        zstandard.compress(TEXT),
        zstandard.compress(TEXT[:1000]) + zstandard.compress(TEXT[1000:]),
        b"\x50\x2a\x4d\x18\x02\0\0\0ab" + zstandard.compress(TEXT),
    ],
    ids=["plain", "gzip", "members", "padded", "empty-member", "zstd", "frames", "skippable"],
)
def test_content_is_recognised_by_its_first_bytes(packed: bytes) -> None:
    """Plain, gzip and zstd in one or several parts give back the content, undamaged."""
    found, source = content(packed)
    assert found == TEXT
    assert source.damage is None
    assert source.read_bytes == len(packed)


@pytest.mark.parametrize("data", [b"", b"a", b"\x1f", b"ab\x1f\x8b"])
def test_tiny_files_are_plain(data: bytes) -> None:
    """Files too short to be compressed are taken as they are."""
    assert content(data)[0] == data


def test_blocks_have_the_size_asked_for() -> None:
    """Blocks are not much smaller or larger than asked, but for the last."""
    sizes = [len(block) for block in Source(io.BytesIO(gzip.compress(TEXT))).blocks(200_000)]
    assert all(200_000 <= size < 1_400_000 for size in sizes[:-1])
    assert sum(sizes) == len(TEXT)


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 400_000), st.booleans())
def test_a_truncated_stream_keeps_what_came_before(at: int, gz: bool) -> None:
    """A stream cut anywhere gives a beginning of its content and says that it is damaged."""
    whole = gzip.compress(TEXT) if gz else zstandard.compress(TEXT)
    cut = whole[: min(at, len(whole) - 1)]
    found, source = content(cut)
    assert TEXT.startswith(found)
    assert source.damage is not None
    assert "too early" in source.damage
    if gz:
        assert found == zlib.decompressobj(wbits=31).decompress(cut)


def test_all_bytes_before_corruption_are_kept() -> None:
    """A wrong checksum is found after the last byte, so that every byte is kept."""
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 0xFF
    found, source = content(bytes(packed))
    assert found == TEXT
    assert source.damage is not None
    assert source.damage.endswith(".")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_corruption_never_raises(data: st.DataObject) -> None:
    """Changed bytes give a beginning of the content, or content and a complaint; no error."""
    packed = bytearray(data.draw(st.sampled_from([gzip.compress(TEXT), zstandard.compress(TEXT)])))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(4, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    content(bytes(packed))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]), st.binary())
def test_random_bytes_never_raise(magic: bytes, rest: bytes) -> None:
    """Whatever stands behind the first bytes, reading ends without an error."""
    content(magic + rest)


def test_a_small_file_that_grows_enormous_stays_in_small_blocks() -> None:
    """A stream that expands thousands of times is given in bounded pieces."""
    bomb = zstandard.compress(b"\0" * 300_000_000)
    largest = max(len(block) for block in Source(io.BytesIO(bomb)).blocks(1_000_000))
    assert largest < 40_000_000
