"""The dimension tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.addresses import AddressBook
from gridtrail.enrich.dimensions import (
    ADDRESSES,
    ADDRESSES_TABLE,
    CLIENTS,
    CLIENTS_TABLE,
    Refreshed,
    address_book,
    clients_version,
    compute_addresses,
    compute_clients,
    kind_at,
    refresh,
    stood_on,
)
from gridtrail.lake.lake import Lake
from gridtrail.settings import EnrichSettings, Settings

Write = Callable[[str, str], Path]
BOOK = AddressBook(EnrichSettings())
EVENTS = pa.table(
    {
        "ip": ["8.8.8.8", "::ffff:8.8.8.8", "8.8.8.8", None, "what?", "73.1.2.3"],
        "ua": ["curl/8.4.0", "curl/8.4.0", None, "Scrapers Inc", "", "x'; DROP TABLE events; --"],
    }
)


def rows(engine: DuckDB, sql: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = engine.rows(sql).to_pylist()
    return listed


@given(st.lists(st.text(max_size=50), unique=True, max_size=5))
def test_rows_have_the_schema_and_the_key_as_it_came(texts: list[str]) -> None:
    """Any text becomes one row under itself, without floating-point columns."""
    addresses, clients = compute_addresses(texts, BOOK), compute_clients(texts)
    assert addresses.schema == ADDRESSES
    assert clients.schema == CLIENTS
    assert addresses["ip"].to_pylist() == texts
    assert clients["ua"].to_pylist() == texts
    for field in [*ADDRESSES, *CLIENTS]:
        assert not pa.types.is_floating(field.type)
        for table in (addresses, clients):
            if field.name in table.column_names and not field.nullable:
                assert table[field.name].null_count == 0


def test_facts_stand_in_their_columns() -> None:
    """The canonical address is beside the written one; `expected` follows the settings."""
    row = compute_addresses(["::ffff:8.8.8.8"], BOOK).to_pylist()[0]
    assert (row["ip"], row["address"], row["asn"]) == ("::ffff:8.8.8.8", "8.8.8.8", 15169)
    assert row["facts_version"] == BOOK.version
    assert compute_clients(["curl/8"])["expected"].to_pylist() == [False]
    assert compute_clients(["curl/8"], ["cURL"])["expected"].to_pylist() == [True]
    assert clients_version() != clients_version(["curl"]) == clients_version(["CURL"])


def test_refresh_computes_each_value_once(lake: Lake, engine: DuckDB) -> None:
    """New values are computed and stored, known ones are not, the tables join one to one."""
    engine.register("events", EVENTS)
    assert refresh(lake, engine, "events", Settings()) == Refreshed(4, 4, 4, 4)
    assert refresh(lake, engine, "events", Settings()) == Refreshed(4, 0, 4, 0)
    engine.register("more", pa.table({"ip": ["8.8.8.8", "9.9.9.9"], "ua": ["curl/8.4.0", "y"]}))
    assert refresh(lake, engine, "more", Settings()) == Refreshed(2, 1, 2, 1)
    assert refresh(lake, engine, "events", Settings()) == Refreshed(4, 0, 4, 0)
    joined = rows(
        engine,
        "SELECT e.ip, a.network, c.family FROM events e LEFT JOIN addresses a USING (ip) "
        "LEFT JOIN clients c USING (ua)",
    )
    assert len(joined) == len(EVENTS)
    assert {row["network"] for row in joined if row["ip"] == "::ffff:8.8.8.8"} == {"AS15169"}
    assert lake.view(ADDRESSES_TABLE, "stored").rows == 5


def test_a_new_engine_session_sees_what_was_stored(lake: Lake, engine: DuckDB) -> None:
    """Facts are in the lake: another session computes nothing."""
    engine.register("events", EVENTS)
    refresh(lake, engine, "events", Settings())
    other = DuckDB(threads=1)
    other.register("events", EVENTS)
    assert refresh(Lake(lake.home, other), other, "events", Settings()).new_addresses == 0
    other.close()


def test_the_same_rows_stored_twice_are_seen_once(lake: Lake, engine: DuckDB) -> None:
    """Two processes that compute the same value at a time do no harm."""
    engine.register("events", EVENTS)
    refresh(lake, engine, "events", Settings())
    lake.write(ADDRESSES_TABLE, compute_addresses(["8.8.8.8"], BOOK))
    lake.write(CLIENTS_TABLE, compute_clients(["curl/8.4.0"]))
    assert refresh(lake, engine, "events", Settings()) == Refreshed(4, 0, 4, 0)


def test_other_sources_compute_again(lake: Lake, engine: DuckDB, write: Write) -> None:
    """When sources change, values are computed anew and seen with their new facts only."""
    engine.register("events", EVENTS)
    refresh(lake, engine, "events", Settings())
    path = write("tor", "73.1.2.3\n")
    listed = Settings(enrich=EnrichSettings(tor_lists=[path], expected_clients=["curl"]))
    assert refresh(lake, engine, "events", listed) == Refreshed(4, 4, 4, 4)
    kinds = rows(engine, "SELECT kind FROM addresses WHERE ip = '73.1.2.3'")
    assert kinds == [{"kind": "tor"}]
    assert rows(engine, "SELECT expected FROM clients WHERE family = 'curl'") == [
        {"expected": True}
    ]
    path.write_text("73.1.2.3\n8.8.8.8\n")
    assert refresh(lake, engine, "events", listed).new_addresses == 4
    # three versions of four rows: the two older ones were more than the current one and went
    assert lake.view(ADDRESSES_TABLE, "stored").rows == 4


def test_an_empty_relation_makes_empty_tables(lake: Lake, engine: DuckDB) -> None:
    """Without values the tables are there, with their columns, and nothing is written."""
    engine.register("events", EVENTS.slice(0, 0))
    assert refresh(lake, engine, "events", Settings()) == Refreshed(0, 0, 0, 0)
    assert engine.rows("SELECT * FROM addresses").column_names == ADDRESSES.names
    assert engine.rows("SELECT * FROM clients").column_names == CLIENTS.names
    assert not lake.home.exists()


@pytest.mark.parametrize(("seconds", "kind"), [(9, "hosting"), (10, "tor"), (20, "hosting")])
def test_kind_at_is_an_expression(
    lake: Lake, engine: DuckDB, write: Write, seconds: int, kind: str
) -> None:
    """The kind at a time is the listed one inside its times, in the engine as in Python."""
    enrich = EnrichSettings(tor_lists=[write("t", "8.8.8.8 10 20\n")])
    engine.register("events", EVENTS.slice(0, 1))
    refresh(lake, engine, "events", Settings(enrich=enrich))
    columns = {"kind": "string", "listed_kind": "string"}
    columns |= {"listed_from": "int64", "listed_to": "int64"}
    addresses = ibis.table(columns, name="addresses")
    query = addresses.select(kind=kind_at(addresses, ibis.literal(seconds, "int64")))
    assert engine.rows(query).to_pylist() == [{"kind": kind}]
    assert AddressBook(enrich).facts("8.8.8.8", as_of=seconds).kind == kind


@pytest.mark.parametrize(("seconds", "name"), [(9, None), (10, "t"), (19, "t"), (20, None)])
def test_stood_on_is_an_expression(
    lake: Lake, engine: DuckDB, write: Write, seconds: int, name: str | None
) -> None:
    """The list of malicious addresses that an address stood on is said for its times only."""
    enrich = EnrichSettings(ioc_lists=[write("t", "8.8.8.8 10 20\n")])
    engine.register("events", EVENTS.slice(0, 1))
    refresh(lake, engine, "events", Settings(enrich=enrich))
    columns = {"ioc_list": "string", "ioc_from": "int64", "ioc_to": "int64"}
    addresses = ibis.table(columns, name="addresses")
    query = addresses.select(name=stood_on(addresses, "ioc", ibis.literal(seconds, "int64")))
    assert engine.rows(query).to_pylist() == [{"name": name}]


def test_a_changed_list_is_read_again(write: Write) -> None:
    """A feed that was written anew is seen with the next look, without a restart."""
    enrich = EnrichSettings(suspicious_asn_lists=[write("evil", "64500\n")])
    before = address_book(enrich)
    assert address_book(enrich) is before
    write("evil", "64500\n15169\n")
    assert address_book(enrich).facts("8.8.8.8").asn_list == "evil"
