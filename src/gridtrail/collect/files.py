"""Bytes out of files: plain, gzip and zstd, recognised by their first bytes, in blocks.

Damage in a compressed stream ends it: what was decompressed before is given, then `damage` says
what happened and where.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

_READ = 256 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = tuple(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))
# Compressed bytes taken at a time, so that no step grows beyond some 32 MB whatever the stream
# (gzip at most 1,032 times, zstd 128 KiB out of 4 bytes); an error loses only its own step.
_GZIP_STEP = 32 * 1024
_ZSTD_STEP = 1024


class Source:
    """The decompressed content of `stream`, once.

    `read_bytes` counts the bytes taken from the stream (compressed ones, for a progress bar).
    After the last block `damage` is None or one sentence, and `damage_at` the position in the
    stream near which it was met.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_bytes = 0
        self.damage: str | None = None
        self.damage_at = 0

    def blocks(self, size: int) -> Iterator[bytes]:
        """The content in blocks of about `size` bytes (the last may be smaller)."""
        gathered: list[bytes] = []
        length = 0
        for piece in self._pieces():
            gathered.append(piece)
            length += len(piece)
            if length >= size:
                block = b"".join(gathered)
                gathered, length = [], 0
                yield block
                del block  # not kept while the next one is gathered
        if length:
            yield b"".join(gathered)

    def _pieces(self) -> Iterator[bytes]:
        first = self._read()
        while len(first) < 4 and (more := self._read()):
            first += more
        if first.startswith(_GZIP):
            yield from self._gzip(first)
        elif first.startswith((_ZSTD, *_ZSTD_SKIPPABLE)):
            yield from self._zstd(first)
        else:
            while first:
                yield first
                first = self._read()

    def _read(self) -> bytes:
        try:
            data = self._stream.read(_READ)
        except OSError as error:
            self._damaged(f"Reading stopped ({error.strerror})")
            return b""
        self.read_bytes += len(data)
        return data

    def _damaged(self, what: str) -> None:
        self.damage_at = self.read_bytes
        self.damage = f"{what} near byte {self.read_bytes}: get the file again and import it anew."

    def _gzip(self, data: bytes) -> Iterator[bytes]:
        """Members one after another; zeros after the last one are padding (RFC 1952, 2.2)."""
        member = zlib.decompressobj(wbits=31)
        while data:
            step, rest = data[:_GZIP_STEP], data[_GZIP_STEP:]
            before = member.copy()
            try:
                yield member.decompress(step)
            except zlib.error as error:
                yield _up_to_damage(before, step)
                self._damaged(f"The gzip stream is damaged ({error})")
                return
            if member.eof:
                rest = (member.unused_data + rest).lstrip(b"\0")
                while not rest and (more := self._read()):
                    rest = more.lstrip(b"\0")
                if not rest:
                    return
                member = zlib.decompressobj(wbits=31)
            data = rest or self._read()
        if self.damage is None:
            self._damaged("The gzip stream ends too early")

    def _zstd(self, data: bytes) -> Iterator[bytes]:
        """Frames one after another, skippable ones passed over."""
        whole = True
        frame = zstandard.ZstdDecompressor().decompressobj()
        while data:
            step, rest = data[:_ZSTD_STEP], data[_ZSTD_STEP:]
            try:
                yield frame.decompress(step)
            except zstandard.ZstdError as error:
                self._damaged(f"The zstd stream is damaged ({error})")
                return
            whole = frame.eof
            if whole:
                rest = frame.unused_data + rest
                frame = zstandard.ZstdDecompressor().decompressobj()
            data = rest or self._read()
        if self.damage is None and not whole:
            self._damaged("The zstd stream ends too early")


def _up_to_damage(member: zlib._Decompress, data: bytes) -> bytes:
    """What `member` still makes of `data` before the error in it."""
    parts = []
    for position in range(len(data)):
        try:
            parts.append(member.decompress(data[position : position + 1]))
        except zlib.error:
            break
    return b"".join(parts)
