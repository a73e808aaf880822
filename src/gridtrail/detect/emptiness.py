"""Which relations have no rows, told from the tables that they read.

Most days of a small organization have nothing at all for most detectors: no act of administration,
no download beside a threshold. Planning a statement then costs more than all its rows, so what
cannot have a row is not computed. The answer is on the safe side: whatever is not understood may
have rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.engine.shape import Engine, column_types

_SAME = (
    ops.Project, ops.Filter, ops.Sort, ops.Limit, ops.Distinct, ops.DropColumns, ops.DropNull,
    ops.FillNull, ops.TableUnnest, ops.JoinReference, ops.SelfReference,
)  # fmt: skip
"""No rows from no rows."""
_OF_BOTH = ("inner", "semi", "cross")
"""Joins that have no rows where one side has none."""


def no_rows(relation: ir.Table, empty: Collection[str]) -> bool:
    """Whether a relation has no rows, when the tables of these names have none."""
    return _no_rows(relation.op(), empty)


def _no_rows(op: ops.Node, empty: Collection[str]) -> bool:
    if isinstance(op, ops.UnboundTable):
        return op.name in empty
    if isinstance(op, _SAME):
        return _no_rows(op.parent, empty)
    if isinstance(op, ops.Aggregate):
        # without keys there is one row all the same
        return bool(op.groups) and _no_rows(op.parent, empty)
    if isinstance(op, ops.Union):
        return _no_rows(op.left, empty) and _no_rows(op.right, empty)
    if isinstance(op, ops.JoinChain):
        return _joined(op, empty)
    return False


def _joined(chain: ops.JoinChain, empty: Collection[str]) -> bool:
    nothing = _no_rows(chain.first, empty)
    for link in chain.rest:
        if link.how in _OF_BOTH:
            nothing = nothing or _no_rows(link.table, empty)
        elif link.how not in ("left", "anti"):
            return False
    return nothing


def row_counts(tables: Iterable[ir.Table]) -> ir.Table:
    """One row for each of some named tables: its name and how many rows it has."""
    counts = [
        one.aggregate(rows=one.count()).mutate(name=ibis.literal(one.get_name())) for one in tables
    ]
    return counts[0] if len(counts) == 1 else ibis.union(*counts)


Work = Callable[[Mapping[str, ir.Table]], Mapping[str, int]]
"""Keeps relations under their names; how many rows each has, where that is known."""


class Sparing:
    """Keeps relations under their names in an engine, and computes none that has no rows."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._empty: set[str] = set()  # tables that have no rows now, as far as known

    def has_no_rows(self, relation: ir.Table) -> bool:
        """Whether a relation, computed now, is known to have no rows."""
        return no_rows(relation, self._empty)

    def note(self, name: str, rows: int) -> None:
        """The table `name` was kept just now, and has so many rows."""
        if rows:
            self._empty.discard(name)
        else:
            self._empty.add(name)

    def forget(self, name: str) -> None:
        """The table `name` is about to change, or may have: it may have rows."""
        self._empty.discard(name)

    def keep_all(self, relations: Mapping[str, ir.Table], work: Work) -> bool:
        """Keep relations of which none reads another's new table: `work` keeps those that may
        have rows. Whether there was any of which it did not say how many rows it has."""
        nothing = {name for name, relation in relations.items() if self.has_no_rows(relation)}
        self.clear({name: _arrow(relations[name]) for name in nothing - self._empty})
        possible = {name: one for name, one in relations.items() if name not in nothing}
        self._empty -= possible.keys()
        told = work(possible) if possible else {}
        for name, rows in told.items():
            self.note(name, rows)
        return not told.keys() >= possible.keys()

    def clear(self, tables: Mapping[str, pa.Schema]) -> None:
        """Keep tables without rows under these names."""
        for name, schema in tables.items():
            if name not in self._empty:
                self.engine.keep(name, schema.empty_table())
        self._empty |= tables.keys()

    def count(self, counts: ir.Table) -> None:
        """Find out which of the tables in `row_counts` have no rows now."""
        for row in self.engine.rows(counts).to_pylist():
            self.note(row["name"], row["rows"])


def _arrow(relation: ir.Table) -> pa.Schema:
    return pa.schema([(name, kind.arrow) for name, kind in column_types(relation).items()])
