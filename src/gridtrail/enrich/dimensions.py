"""Dimension tables: every distinct address and user agent of the lake with its facts.

Facts are computed once for each distinct value and sources' version, kept in the lake, and joined
by equality with the events' own `ip` and `ua`, so that every engine sees the same. Rows of other
versions (sources changed, settings changed) stay beside the current ones and are not seen, until
they are more than the current ones; then the table is written anew. It is a cache: whatever is
lost of it is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, literal, quoted
from gridtrail.enrich import clients as client_facts
from gridtrail.enrich.addresses import Address, AddressBook
from gridtrail.enrich.agent_text import LONGEST
from gridtrail.enrich.clients import Client, client_of, expected
from gridtrail.enrich.slack_agents import ELECTRON_CHROME
from gridtrail.enrich.tools import tool_list
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import TableShape
from gridtrail.settings import EnrichSettings, Settings

ADDRESSES = pa.schema(
    [
        pa.field("ip", pa.string(), nullable=False),  # as it stands in the events
        pa.field("address", pa.string(), nullable=False),  # canonical, "" when it is none
        pa.field("version", pa.int64(), nullable=False),  # 4, 6, or 0 when it is none
        pa.field("valid", pa.bool_(), nullable=False),
        pa.field("prefix", pa.string(), nullable=False),  # /24 or /48
        pa.field("wide_prefix", pa.string(), nullable=False),  # /16 or /32
        pa.field("asn", pa.int64()),
        pa.field("asn_name", pa.string(), nullable=False),
        pa.field("country", pa.string()),  # ISO 3166 alpha-2
        pa.field("kind", pa.string(), nullable=False),  # one of addresses.KINDS
        pa.field("network", pa.string(), nullable=False),
        pa.field("listed_kind", pa.string()),  # kind of a list entry with times
        pa.field("listed_from", pa.int64(), nullable=False),  # epoch seconds, included
        pa.field("listed_to", pa.int64(), nullable=False),  # epoch seconds, not included
        pa.field("listed_name", pa.string()),  # name of the list that says the kind
        pa.field("ioc_list", pa.string()),  # list of malicious addresses that it is on
        pa.field("ioc_from", pa.int64(), nullable=False),
        pa.field("ioc_to", pa.int64(), nullable=False),
        pa.field("asn_list", pa.string()),  # list of suspicious ASNs that its ASN is on
        pa.field("asn_from", pa.int64(), nullable=False),
        pa.field("asn_to", pa.int64(), nullable=False),
        pa.field("facts_version", pa.string(), nullable=False),
    ]
)
"""One row an address as written in events and version of its sources; see `addresses.Address`."""

CLIENTS = pa.schema(
    [
        pa.field("ua", pa.string(), nullable=False),  # as it stands in the events
        pa.field("family", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # one of clients.KINDS
        pa.field("version", pa.string(), nullable=False),
        pa.field("version_key", pa.int64(), nullable=False),
        pa.field("os", pa.string(), nullable=False),
        pa.field("os_version", pa.string(), nullable=False),
        pa.field("device_class", pa.string(), nullable=False),
        pa.field("chrome_major", pa.int64(), nullable=False),
        pa.field("electron_major", pa.int64(), nullable=False),
        pa.field("well_formed", pa.bool_(), nullable=False),
        pa.field("defect", pa.string()),
        pa.field("automated", pa.bool_(), nullable=False),
        pa.field("lineage", pa.string(), nullable=False),
        pa.field("expected", pa.bool_(), nullable=False),
        pa.field("facts_version", pa.string(), nullable=False),
    ]
)
"""One row a user agent as written in events and version of the rules; see `clients.Client`."""

ADDRESSES_TABLE = TableShape("addresses", ADDRESSES)
CLIENTS_TABLE = TableShape("clients", CLIENTS)

_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many distinct values a relation had, and how many of them were new."""

    addresses: int
    new_addresses: int
    clients: int
    new_clients: int


def clients_version(families: Collection[str] = ()) -> str:
    """Hex digest that changes whenever `compute_clients` may answer otherwise."""
    tools = tool_list()
    parts = (
        client_facts.ALGORITHM,
        LONGEST,
        sorted(client_facts.BROWSERS.items()),
        sorted(ELECTRON_CHROME.items()),
        tools.inside,
        sorted(tools.names.items()),
        sorted(tools.generic),
        sorted(family.casefold() for family in families),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def compute_addresses(ips: Sequence[str], book: AddressBook) -> pa.Table:
    """The rows of ADDRESSES for distinct addresses, in their order."""
    facts = book.facts_many(ips)
    columns: dict[str, list[object]] = {
        field.name: [getattr(fact, field.name) for fact in facts] for field in fields(Address)
    }
    columns["address"] = columns["ip"]
    columns["ip"] = list(ips)
    columns["facts_version"] = [book.version] * len(facts)
    return _table(columns, ADDRESSES)


def compute_clients(uas: Sequence[str], families: Collection[str] = ()) -> pa.Table:
    """The rows of CLIENTS for distinct user agents, in their order; `families` are those that are
    expected beside the usual ones."""
    facts = [client_of(ua) for ua in uas]
    columns: dict[str, list[object]] = {
        field.name: [getattr(fact, field.name) for fact in facts] for field in fields(Client)
    }
    columns["ua"] = list(uas)
    columns["expected"] = [expected(fact, families) for fact in facts]
    columns["facts_version"] = [clients_version(families)] * len(facts)
    return _table(columns, CLIENTS)


def _table(columns: dict[str, list[object]], schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def kind_at(addresses: ir.Table, seconds: ir.IntegerValue) -> ir.StringValue:
    """The kind of an address at that time, as an expression over columns of ADDRESSES."""
    listed = (addresses.listed_from <= seconds) & (seconds < addresses.listed_to)
    kind: ir.StringValue = ibis.ifelse(
        addresses.listed_kind.notnull() & listed, addresses.listed_kind, addresses.kind
    )
    return kind


def stood_on(addresses: ir.Table, what: str, seconds: ir.IntegerValue) -> ir.StringValue:
    """The list of `what` (`ioc` or `asn`) that an address stood on at that time, else null; an
    expression over columns of ADDRESSES."""
    inside = (addresses[f"{what}_from"] <= seconds) & (seconds < addresses[f"{what}_to"])
    name: ir.StringValue = ibis.ifelse(inside, addresses[f"{what}_list"], ibis.null("string"))
    return name


@lru_cache(maxsize=4)
def _book(settings_text: str, stamps: tuple[tuple[str, int, int], ...]) -> AddressBook:
    return AddressBook(EnrichSettings.model_validate_json(settings_text))


def address_book(settings: EnrichSettings) -> AddressBook:
    """The opened sources, opened anew only when the settings or a file's size or time changed."""
    listed = (
        settings.tor_lists, settings.vpn_lists, settings.relay_lists, settings.hosting_lists,
        settings.ioc_lists, settings.suspicious_asn_lists,
    )  # fmt: skip
    paths = [*settings.asn_files, *(path for paths in listed for path in paths)]
    stats = [(path, path.stat()) for path in paths if path.exists()]
    stamps = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    return _book(settings.model_dump_json(), stamps)


def refresh(lake: Lake, engine: DuckDB, relation: str, settings: Settings) -> Refreshed:
    """Make the tables `addresses` and `clients` for the addresses and agents of `relation`.

    `relation` is an engine relation with the text columns `ip` and `ua` (nulls allowed). Values
    that the lake's dimension tables do not have yet are computed and appended there. Afterwards the
    engine's temporary tables `addresses` (columns of ADDRESSES, one row an `ip` of the relation)
    and `clients` (CLIENTS, one row a `ua`) are there for joins by equality.

    Raises BadSettings when a file of address facts cannot be read, RetryLater as `Lake.write`.
    """
    book = address_book(settings.enrich)
    families = settings.enrich.expected_clients
    known = _Dimension(lake, engine, relation, ADDRESSES_TABLE, "ip", book.version)
    new_addresses = known.extend(lambda ips: compute_addresses(ips, book))
    agents = _Dimension(lake, engine, relation, CLIENTS_TABLE, "ua", clients_version(families))
    new_clients = agents.extend(lambda uas: compute_clients(uas, families))
    return Refreshed(known.keep(), new_addresses, agents.keep(), new_clients)


class _Dimension:
    """One dimension table, seen at one version of its facts, for the values of one relation."""

    def __init__(
        self,
        lake: Lake,
        engine: DuckDB,
        relation: str,
        shape: TableShape,
        key: str,
        version: str,
    ) -> None:
        self.lake, self.engine, self.shape, self.key = lake, engine, shape, key
        self._all = f"_{shape.name}_all"
        self._values = f"_{shape.name}_values"
        # two processes may have stored the same row: equal versions are equal rows
        self._current = (
            f"SELECT DISTINCT * FROM {quoted(self._all)} WHERE facts_version = {literal(version)}"
        )
        column = quoted(key)
        engine.keep(
            self._values,
            f"SELECT DISTINCT {column} FROM {quoted(relation)} WHERE {column} IS NOT NULL",
        )
        lake.view(shape, self._all)

    def extend(self, compute: Callable[[list[str]], pa.Table]) -> int:
        """Compute and store what is not there yet; how many values that were."""
        new = self.engine.rows(
            f"SELECT {quoted(self.key)} FROM {quoted(self._values)} "
            f"ANTI JOIN ({self._current}) USING ({quoted(self.key)}) ORDER BY 1"
        )
        values: list[str] = new.column(0).to_pylist()
        if not values:
            return 0
        parts = [compute(values[at : at + _BATCH]) for at in range(0, len(values), _BATCH)]
        self.lake.write(self.shape, pa.concat_tables(parts))
        self.lake.view(self.shape, self._all)
        self._forget_stale()
        return len(values)

    def _forget_stale(self) -> None:
        stored = int(self.engine.value(f"SELECT count(*) FROM {quoted(self._all)}"))
        current = int(self.engine.value(f"SELECT count(*) FROM ({self._current})"))
        if stored > 2 * current:
            self.lake.write(self.shape, self.engine.rows(self._current), replace={})
            self.lake.view(self.shape, self._all)

    def keep(self) -> int:
        """Make the engine's table under the dimension's name; its number of rows."""
        self.engine.keep(
            self.shape.name,
            f"SELECT c.* FROM ({self._current}) c "
            f"SEMI JOIN {quoted(self._values)} v ON c.{quoted(self.key)} = v.{quoted(self.key)}",
        )
        self.engine.drop(self._values)
        return int(self.engine.value(f"SELECT count(*) FROM {quoted(self.shape.name)}"))
