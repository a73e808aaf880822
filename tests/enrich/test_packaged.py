"""The packaged table itself."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from gridtrail.enrich.packaged import FILE, packaged_table


def test_the_table_is_whole() -> None:
    """ASNs ascend, each has a name and a network of the table; codes are ISO 3166."""
    table = packaged_table()
    assert len(table.asn) == len(table.names) == len(table.networks) > 80_000
    assert bool(np.all(np.diff(table.asn) > 0))
    assert bool(np.all(np.isin(table.networks, table.asn)))
    assert bool(np.all(table.networks <= table.asn))
    assert all(len(code) == 2 and code.isupper() for code in table.country)
    assert len(table.country) > 200


def test_answers_are_indexes_and_positions_ascend() -> None:
    """Every answer is an index of its list or nothing; every change is one."""
    table = packaged_table()
    for ranges, count in ((table.asns, len(table.asn)), (table.countries, len(table.country))):
        assert len(ranges) > 400_000
        for starts, answers in ranges._parts.values():
            assert starts.tolist() == sorted(set(starts.tolist()))
            assert bool(np.all((answers >= -1) & (answers < count)))
            assert bool(np.all(answers[:-1] != answers[1:]))


def test_the_file_stays_small() -> None:
    """The packaged file is at most 6 MB."""
    assert len(files("gridtrail.enrich").joinpath(FILE).read_bytes()) < 6_000_000


BUILD = Path(__file__).parents[2] / "scripts" / "build_address_table.py"
HIGH = 1 << 64


def test_the_table_is_built_from_csv_files(tmp_path: Path) -> None:
    """Neighbours of one ASN are merged, narrow IPv6 ranges left out, names give networks, and the
    same input gives the same bytes."""
    four = '10,19,7,"Acme, Inc."\n20,29,7,"Acme, Inc."\n40,49,9,ACME INC\n'
    six = f"{5 * HIGH},{8 * HIGH - 1},9,ACME INC\n{9 * HIGH},{9 * HIGH + 5},7,Acme\n"
    (tmp_path / "asn-ipv4-num.csv").write_text(four)
    (tmp_path / "asn-ipv6-num.csv").write_text(six)
    (tmp_path / "package.json").write_text(json.dumps({"name": "a", "version": "1"}))
    made = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for target in made:
        command = [sys.executable, str(BUILD), str(tmp_path), "--to", str(target)]
        subprocess.run(command, check=True, capture_output=True)
    assert made[0].read_bytes() == made[1].read_bytes()
    row = pq.read_table(made[0]).to_pylist()[0]
    assert (row["asn"], row["network"]) == ([7, 9], [7, 7])
    assert (row["start4"], row["asn4"]) == ([10, 30, 40, 50], [0, -1, 1, -1])
    assert (row["start6"], row["asn6"]) == ([5, 8], [1, -1])
    assert row["made_from"] == ["a 1"]
