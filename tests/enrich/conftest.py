"""Address files made for tests, and a lake with an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake

Record = Mapping[str, object]
WriteMmdb = Callable[..., Path]


def _control(kind: int, size: int) -> bytes:
    first = kind if kind <= 7 else 0
    if size < 29:
        head = bytes([first << 5 | size])
        return head if kind <= 7 else head + bytes([kind - 7])
    assert size < 285
    head = bytes([first << 5 | 29])
    return (head if kind <= 7 else head + bytes([kind - 7])) + bytes([size - 29])


class _Short(int):
    """A number kept in 16 bits."""


class _Long(int):
    """A number kept in 64 bits."""


def _encoded(value: object) -> bytes:
    """A value of the MaxMind DB format's data section."""
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, int):
        raw = value.to_bytes(8, "big").lstrip(b"\0")
        kind = {_Short: 5, _Long: 9}.get(type(value), 6)
        return _control(kind, len(raw)) + raw
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, Mapping):
        inside = b"".join(_encoded(k) + _encoded(v) for k, v in value.items())
        return _control(7, len(value)) + inside
    assert isinstance(value, list)
    return _control(11, len(value)) + b"".join(_encoded(item) for item in value)


class _Tree:
    """The search tree: nodes of two branches, each a node, a data offset or nothing."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.nodes: list[list[tuple[str, int]]] = [[("none", 0), ("none", 0)]]

    def insert(self, number: int, length: int, offset: int) -> None:
        node = 0
        for depth in range(length):
            bit = number >> (self.bits - 1 - depth) & 1
            if depth == length - 1:
                self.nodes[node][bit] = ("data", offset)
                return
            kind, target = self.nodes[node][bit]
            if kind != "node":
                self.nodes.append([(kind, target), (kind, target)])
                target = len(self.nodes) - 1
                self.nodes[node][bit] = ("node", target)
            node = target

    def packed(self) -> bytes:
        count = len(self.nodes)
        base = {"none": count, "node": 0, "data": count + 16}
        branches = (base[kind] + target for node in self.nodes for kind, target in node)
        return b"".join(value.to_bytes(4, "big") for value in branches)


def _mmdb(records: Mapping[str, Record], ip_version: int, about_what: str) -> bytes:
    tree, data = _Tree(128 if ip_version == 6 else 32), b""
    for cidr, record in sorted(records.items(), key=lambda item: ip_network(item[0]).prefixlen):
        network = ip_network(cidr)
        extra = 96 if ip_version == 6 and network.version == 4 else 0
        tree.insert(int(network.network_address), network.prefixlen + extra, len(data))
        data += _encoded(record)
    about = {
        "node_count": len(tree.nodes),
        "record_size": _Short(32),
        "ip_version": _Short(ip_version),
        "database_type": about_what,
        "languages": ["en"],
        "binary_format_major_version": _Short(2),
        "binary_format_minor_version": _Short(0),
        "build_epoch": _Long(1_790_000_000),
        "description": {"en": "made in a test"},
    }
    return tree.packed() + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + _encoded(about)


@pytest.fixture
def write_mmdb(tmp_path: Path) -> WriteMmdb:
    """Writes a MaxMind DB file of CIDR ranges and their records."""

    def write(
        records: Mapping[str, Record],
        *,
        name: str = "a.mmdb",
        ip_version: int = 6,
        about: str = "Test",
    ) -> Path:
        path = tmp_path / name
        path.write_bytes(_mmdb(records, ip_version, about))
        return path

    return write


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a text file."""

    def write_text(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    """An engine session."""
    session = DuckDB(threads=1)
    yield session
    session.close()


@pytest.fixture
def lake(tmp_path: Path, engine: DuckDB) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake", engine)
