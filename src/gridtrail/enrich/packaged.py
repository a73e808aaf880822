"""The packaged address table: which ASN and which country announces or holds a range.

`data/addresses.parquet` is one row of list columns, written by `scripts/build_address_table.py`:

    asn, name, network         one entry an ASN, ascending; `network` is the smallest ASN with the
                               same organization name (see `providers.normalized`)
    start4, asn4               IPv4 positions at which the ASN changes, and the index into `asn`
                               (-1: nobody's)
    start6, asn6               the same for IPv6, positions as the upper 64 bits
    country                    ISO 3166 alpha-2 codes
    country_start4, country4   positions at which the country changes, and the index into `country`
    country_start6, country6   the same for IPv6
    made_from                  names and versions of the data

Unsigned numbers are kept as the signed ones of the same bits, which Parquet packs best.
Sources and their licences are named in NOTICE.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gridtrail.enrich.ranges import RangeTable

FILE = "data/addresses.parquet"


@dataclass(frozen=True)
class PackagedTable:
    """The packaged facts, ready for look-up: `asns` answers an index of `asn`, `countries` one of
    `country`."""

    asn: NDArray[np.int64]
    names: pa.StringArray
    networks: NDArray[np.int64]
    asns: RangeTable
    country: list[str]
    countries: RangeTable
    digest: str  # hex SHA-256 of the file

    @cached_property
    def index_of(self) -> dict[int, int]:
        """ASN -> its index."""
        return {number: index for index, number in enumerate(self.asn.tolist())}

    def name(self, index: int) -> str:
        """The organization's name of the ASN at `index`."""
        text: str = self.names[index].as_py()
        return text


@cache
def packaged_table() -> PackagedTable:
    """The packaged table, read once for each process."""
    content = files("gridtrail.enrich").joinpath(FILE).read_bytes()
    columns = pq.read_table(pa.BufferReader(content), use_threads=False)

    def numbers(name: str, kind: str) -> NDArray[np.generic]:
        values: NDArray[np.generic] = _values(columns, name).to_numpy(zero_copy_only=False)
        return values.view(kind)

    def table(prefix: str, answer: str) -> RangeTable:
        return RangeTable(
            numbers(f"{prefix}start4", "u4"),  # type: ignore[arg-type]
            numbers(f"{answer}4", "i4"),  # type: ignore[arg-type]
            _upper_half(numbers(f"{prefix}start6", "u8")),
            numbers(f"{answer}6", "i4"),  # type: ignore[arg-type]
        )

    return PackagedTable(
        asn=numbers("asn", "i8"),  # type: ignore[arg-type]
        names=_values(columns, "name"),
        networks=numbers("network", "i8"),  # type: ignore[arg-type]
        asns=table("", "asn"),
        country=_values(columns, "country").to_pylist(),
        countries=table("country_", "country"),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _values(columns: pa.Table, name: str) -> pa.Array:
    return columns.column(name).chunk(0).flatten()


def _upper_half(upper: NDArray[np.generic]) -> NDArray[np.bytes_]:
    """64-bit upper halves of IPv6 addresses as whole addresses of 16 bytes, big-endian."""
    whole = np.zeros((len(upper), 2), dtype=">u8")
    whole[:, 0] = upper
    return np.frombuffer(whole.tobytes(), dtype="S16")
