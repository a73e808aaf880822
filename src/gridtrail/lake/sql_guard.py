"""What a person's SQL may name: the lake's tables and harmless functions, nothing else.

Two fences stand around `gridtrail sql` and the console's queries. This one reads the parsed query
and lets through only what is on a list, so that its errors can say what to write instead. Behind it
the engine itself is locked (`lock`): no file but the lake's, no network, no change of settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.engine.duckdb import DuckDB

TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})
"""Functions that may stand where a table stands: none of them reads anything."""

REFUSED_FUNCTIONS = frozenset(
    {"current_setting", "getenv", "getvariable", "nextval", "currval", "write_log"}
)
"""Scalar functions that look at or change the session instead of the data."""

_QUERY_NODES = frozenset({"CTE_NODE", "RECURSIVE_CTE_NODE", "SELECT_NODE", "SET_OPERATION_NODE"})
_SHOWN = frozenset({'"tables"', "__show_tables_expanded"})  # SHOW TABLES, SHOW ALL TABLES
_CTE_NAME = re.compile(r"(?!(duckdb|pragma|sqlite|pg)_)[^\W\d]\w*\Z", re.IGNORECASE)

Node = dict[str, Any]


def lock(engine: DuckDB, files: Sequence[str]) -> None:
    """Make `engine` fit for a stranger's query: it reads `files` and nothing else, for good."""
    # the order that a query asks for holds for what is printed
    engine.command("SET preserve_insertion_order = true")
    # a name in the query must never find an object of this program
    engine.command("SET python_enable_replacements = false")
    engine.lock_down(files)


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that passed: `sql` can stand in brackets, `tables` are those that it names."""

    sql: str
    tables: tuple[str, ...]


def check_query(engine: DuckDB, sql: str, tables: Iterable[str]) -> Checked:
    """Let `sql` pass when it is one SELECT over `tables`.

    Raises WrongUse saying what it names beyond that, and what there is.
    """
    engine.check_read_only(sql)
    tree = _parsed(engine, sql)
    nodes = list(_nodes(json.loads(tree)))
    ctes = _cte_names(nodes)
    known = {name.lower(): name for name in tables}
    used: list[str] = []
    for node in nodes:
        _check_node(node)
        name = _table_name(node)
        if name is None or name.lower() in ctes:
            continue
        if name.lower() not in known:
            raise WrongUse(f"There is no table {name!r}: query {', '.join(known.values())}.")
        used.append(known[name.lower()])
    # a semicolon may end the query: written anew from its tree it has none
    alone = _column(engine, "json_deserialize_sql(?)", tree) if ";" in sql else sql
    return Checked(alone, tuple(dict.fromkeys(used)))


def distinct_names(names: Sequence[str]) -> list[str]:
    """`names` with a number behind those that came before, so that a row keeps all its values."""
    taken: set[str] = set()
    result = []
    for name in names:
        number, candidate = 0, name
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result


def _column(engine: DuckDB, expression: str, value: str) -> str:
    return str(engine.rows(f"SELECT {expression} AS x", [value])["x"][0].as_py())


def _parsed(engine: DuckDB, sql: str) -> str:
    """The query's tree as JSON text that can be read."""
    text = _column(engine, "json_serialize_sql(?)", sql)
    try:
        tree = json.loads(text)
    except RecursionError as error:
        raise WrongUse("The query is nested too deeply: make it shorter.") from error
    if tree.get("error"):
        raise WrongUse("This form of query is not allowed here: write it as a plain SELECT.")
    return text


def _nodes(tree: Node) -> Iterator[Node]:
    waiting: list[Any] = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(reversed(one.values()))
        elif isinstance(one, list):
            waiting.extend(reversed(one))


def _cte_names(nodes: Sequence[Node]) -> set[str]:
    maps = (node["cte_map"].get("map", []) for node in nodes if node.get("cte_map"))
    names = {str(entry["key"]) for entries in maps for entry in entries}
    names |= {str(node["cte_name"]) for node in nodes if "cte_name" in node}
    for name in names:
        if not _CTE_NAME.match(name):
            raise WrongUse(f"{name!r} cannot name a part of a query here: use a plain word.")
    return {name.lower() for name in names}


def _check_node(node: Node) -> None:
    kind = str(node.get("type"))
    if kind.endswith("_NODE") and kind not in _QUERY_NODES:
        raise WrongUse("A query here only reads: leave out what changes anything.")
    if kind == "TABLE_FUNCTION":
        _check_function(node["function"], TABLE_FUNCTIONS)
    elif kind == "SHOW_REF" and node.get("query") is None and node["table_name"] not in _SHOWN:
        raise WrongUse("Only SHOW TABLES and DESCRIBE can be shown here: use one of them.")
    elif node.get("class") == "FUNCTION" and _last(node, "function_name") in REFUSED_FUNCTIONS:
        raise WrongUse(f"The function {node['function_name']} is not allowed here: leave it out.")


def _check_function(function: Node, allowed: frozenset[str]) -> None:
    name = _last(function, "function_name")
    if name not in allowed or len(_path(function)) > 1:
        raise WrongUse(
            f"{name} cannot stand for a table here: query the lake's tables "
            "(`gridtrail sql --tables` lists them)."
        )


def _table_name(node: Node) -> str | None:
    if node.get("type") != "BASE_TABLE":
        return None
    path = _path(node)
    if len(path) != 1:
        raise WrongUse(f"Write the name of the table alone, not {'.'.join(path)!r}.")
    return path[0]


def _path(node: Node) -> list[str]:
    return [str(part) for part in node["qualified_name"]["path"]]


def _last(node: Node, key: str) -> str:
    return str(node[key]).lower()
