"""The packaged table itself."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

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
