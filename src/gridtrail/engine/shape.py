"""The one shape of engines: what detection asks of whatever computes its relations.

Relations are Ibis expressions over unbound tables, which an engine binds to what it keeps under
those names. `duckdb` and `spark` have this shape. Small tables, and all writing, stay with the
embedded session that the lake itself uses; `lend` and `borrow` carry tables between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import pyarrow as pa

from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

    from gridtrail.engine.duckdb import DuckDB


_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type that columns of relations may have, in the words of DuckDB, Spark and Arrow."""

    duckdb: str
    spark: str
    arrow: pa.DataType


TEXT = ColumnType("VARCHAR", "STRING", pa.string())
WHOLE = ColumnType("BIGINT", "BIGINT", pa.int64())
FLOAT = ColumnType("DOUBLE", "DOUBLE", pa.float64())
TRUTH = ColumnType("BOOLEAN", "BOOLEAN", pa.bool_())


def column_types(relation: ir.Table) -> dict[str, ColumnType]:
    """The type of each column of a relation.

    Raises WrongUse for a column that is neither text, whole number, float nor truth value: no
    other types mean the same to every engine.
    """
    return {name: _column_type(name, kind) for name, kind in relation.schema().items()}


def _column_type(name: str, kind: dt.DataType) -> ColumnType:
    if kind.is_string():
        return TEXT
    if kind.is_integer():
        return WHOLE
    if kind.is_floating():
        return FLOAT
    if kind.is_boolean():
        return TRUTH
    raise WrongUse(
        f"The column {name} of a relation is of type {kind}: make it text, a whole number, a "
        "float or a truth value."
    )


class Engine(Protocol):
    """A session that computes relations; not shared between threads."""

    @property
    def name(self) -> str:
        """The engine's name in settings and on the command line."""

    def keep(self, name: str, rows: ir.Table | pa.Table, /) -> None:
        """Compute a relation now, or take an Arrow table, and keep it as `name`, replacing an
        older one. Columns get the types that the relation says."""

    def keep_all(self, relations: Mapping[str, ir.Table]) -> Mapping[str, int]:
        """As `keep` for each name, in any order or at once: none may read another's name. How
        many rows each has, where that is known without asking."""

    def prepare(self, relations: Mapping[str, ir.Table]) -> Mapping[str, int]:
        """As `keep_all`, for what is read once and soon: an engine may leave the work until then,
        but does it on tables as they are now."""

    def rows(self, relation: ir.Table, /) -> pa.Table:
        """The rows of a relation, in any order, columns of the types that it says."""

    def each(self, work: Callable[[_T], _R], things: Iterable[_T], /) -> list[_R]:
        """What `work` makes of each thing, in their order; the engine may do several at once, and
        `work` may call `keep` and `rows`."""

    def scan(
        self,
        name: str,
        files: Sequence[str],
        schema: pa.Schema,
        between: tuple[str, int, int] | None = None,
    ) -> None:
        """Make Parquet `files` (absolute paths; none is an empty table) readable as `name`.

        `schema` says which columns; `between` names an int64 column and the least and the
        greatest value (inclusive) of the rows wanted.
        """

    def lend(self, relation: ir.Table, session: DuckDB) -> None:
        """Make a kept table readable under its name in the embedded `session`."""

    def borrow(self, name: str, session: DuckDB) -> None:
        """Keep the table `name` of the embedded `session` here too."""
