"""Build the packaged address table from CSV files of ranges.

    python scripts/build_address_table.py ASN_DIRECTORY [COUNTRY_DIRECTORY] [--to FILE]

ASN_DIRECTORY is the unpacked npm package `@ip-location-db/asn` (asn-ipv4-num.csv and
asn-ipv6-num.csv: first, last, asn, name); COUNTRY_DIRECTORY is `@ip-location-db/
geo-whois-asn-country` (…-ipv4-num.csv and …-ipv6-num.csv: first, last, country). FILE is by default
src/gridtrail/enrich/data/addresses.parquet; the same input gives the same bytes. What the columns
are is written in src/gridtrail/enrich/packaged.py, whose data it is in NOTICE.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridtrail.enrich.packaged import FILE
from gridtrail.enrich.providers import normalized
from gridtrail.enrich.ranges import flattened

TARGET = Path(__file__).parent.parent / "src" / "gridtrail" / "enrich" / FILE
TOP = {4: (1 << 32) - 1, 6: (1 << 64) - 1}
LOW = (1 << 64) - 1


def rows(directory: Path, version: int) -> Iterator[tuple[int, int, list[str]]]:
    """First and last address (of IPv6 the upper 64 bits) and the other fields of a CSV file.

    Ranges narrower than an IPv6 /64 are left out.
    """
    (path,) = directory.glob(f"*-ipv{version}-num.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for first, last, *rest in csv.reader(file):
            start, end = int(first), int(last)
            if version == 6:
                if end - start < LOW:
                    continue
                start, end = start >> 64, end >> 64
            yield start, end, rest


def changes(ranges: list[tuple[int, int, int]], version: int) -> tuple[list[int], list[int]]:
    """Sorted positions at which the answer changes, and the answers."""
    pairs = flattened(ranges, TOP[version])
    return [start for start, _ in pairs], [answer for _, answer in pairs]


def asn_columns(directory: Path) -> dict[str, pa.Array]:
    """The columns about ASNs."""
    read = {version: list(rows(directory, version)) for version in (4, 6)}
    names = {int(rest[0]): rest[1].strip() for found in read.values() for _, _, rest in found}
    asns = sorted(names)
    index = {asn: at for at, asn in enumerate(asns)}
    smallest: dict[str, int] = {}
    for asn in asns:
        smallest.setdefault(normalized(names[asn]), asn)
    network = [smallest[key] if (key := normalized(names[asn])) else asn for asn in asns]
    columns: dict[str, pa.Array] = {
        "asn": signed(asns, "u8"),
        "name": pa.array([names[asn] for asn in asns], pa.string()),
        "network": signed(network, "u8"),
    }
    for version, found in read.items():
        ranges = [(start, end, index[int(rest[0])]) for start, end, rest in found]
        starts, answers = changes(ranges, version)
        columns[f"start{version}"] = signed(starts, "u4" if version == 4 else "u8")
        columns[f"asn{version}"] = pa.array(answers, pa.int32())
    return columns


def country_columns(directory: Path | None) -> dict[str, pa.Array]:
    """The columns about countries; without a directory they are empty."""
    read = {v: list(rows(directory, v)) if directory else [] for v in (4, 6)}
    codes = sorted({rest[0] for found in read.values() for _, _, rest in found})
    index = {code: at for at, code in enumerate(codes)}
    columns: dict[str, pa.Array] = {"country": pa.array(codes, pa.string())}
    for version, found in read.items():
        ranges = [(start, end, index[rest[0]]) for start, end, rest in found]
        starts, answers = changes(ranges, version)
        columns[f"country_start{version}"] = signed(starts, "u4" if version == 4 else "u8")
        columns[f"country{version}"] = pa.array(answers, pa.int32())
    return columns


def signed(numbers: list[int], kind: str) -> pa.Array:
    """Unsigned numbers as the signed ones of the same bits."""
    return pa.array(np.array(numbers, dtype=kind).view(kind.replace("u", "i")))


def made_from(directories: list[Path]) -> pa.Array:
    """Name and version of every package that was read."""
    told = [json.loads((directory / "package.json").read_text()) for directory in directories]
    return pa.array([f"{package['name']} {package['version']}" for package in told], pa.string())


def encodings(names: list[str]) -> dict[str, str]:
    """How each column is packed: differences, bytes of a kind side by side, or texts by length."""
    packed = dict.fromkeys(names, "BYTE_STREAM_SPLIT")
    packed |= {name: "DELTA_BINARY_PACKED" for name in names if "start" in name}
    packed |= dict.fromkeys(("name", "country", "made_from"), "DELTA_LENGTH_BYTE_ARRAY")
    return {f"{name}.list.element": encoding for name, encoding in packed.items()}


def write(columns: dict[str, pa.Array], target: Path) -> None:
    """Write the columns as one row of lists."""
    table = pa.table(
        {
            name: pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
            for name, values in columns.items()
        }
    )
    pq.write_table(
        table,
        target,
        compression="zstd",
        compression_level=22,
        use_dictionary=False,
        column_encoding=encodings(list(columns)),
        write_statistics=False,
        store_schema=False,
    )


def main() -> int:
    """Write the table; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the packaged address table.")
    parser.add_argument("asn", type=Path, help="directory with asn-ipv4-num.csv, asn-ipv6-num.csv")
    parser.add_argument("country", type=Path, nargs="?", help="directory with the country files")
    parser.add_argument("--to", type=Path, default=TARGET, help="file to write")
    given = parser.parse_args()
    columns = asn_columns(given.asn) | country_columns(given.country)
    columns["made_from"] = made_from([d for d in (given.asn, given.country) if d])
    write(columns, given.to)
    sizes = ", ".join(f"{name} {len(values):,}" for name, values in columns.items())
    sys.stderr.write(f"{given.to.stat().st_size:,} bytes: {sizes}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
