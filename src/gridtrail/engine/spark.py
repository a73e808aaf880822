"""The distributed engine: Apache Spark.

Relations come in as Ibis expressions, are computed by the executors of a Spark cluster and stay
there; what is small comes back as Arrow tables. Executors run no Python: they need Spark alone,
and the lake's files under the same paths as here.

Spark plans each query for a tenth of a second and more, however small it is. So what belongs
together is sent at once from several threads, and what is read only once is not computed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from gridtrail.engine.duckdb import quoted as duckdb_name
from gridtrail.engine.shape import TEXT, TRUTH, WHOLE, column_types
from gridtrail.engine.spark_sql import quoted, spark_sql

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from gridtrail.engine.duckdb import DuckDB

AT_ONCE = 8
"""Queries planned and sent at the same time."""

SMALL_BYTES = 1_000_000
"""Tables up to this size go with each query that reads them."""

_T = TypeVar("_T")
_R = TypeVar("_R")

_ARROW_TO_SPARK = {kind.arrow: kind.spark for kind in (TEXT, WHOLE, TRUTH)}


class Spark:
    """One Spark session with its own temporary names; not shared between threads.

    `session` is a `pyspark.sql.SparkSession`; see `spark_start`.
    """

    name = "spark"

    def __init__(self, session: Any) -> None:
        self.session = session
        self._kept: dict[str, Any] = {}  # checkpointed frames by name

    def close(self) -> None:
        """Forget all tables; the session goes on for others."""
        for name in list(self._kept):
            self.session.catalog.dropTempView(name)
            _forget(self._kept.pop(name))

    def keep(self, name: str, rows: ir.Table | pa.Table, /) -> None:
        """Compute a relation now, or take an Arrow table, and keep it as `name`."""
        if not isinstance(rows, pa.Table):
            self._put(name, _computed(self._frame(rows)))
            return
        frame = self.session.createDataFrame(rows)
        if rows.nbytes > SMALL_BYTES:
            self._put(name, _computed(frame))
            return
        frame.createOrReplaceTempView(name)
        if name in self._kept:
            _forget(self._kept.pop(name))

    def keep_all(self, relations: Mapping[str, ir.Table]) -> dict[str, int]:
        """As `keep` for each name, all at once; nothing is known of how many rows they have."""
        # planned here, so that all see the tables as they are now
        frames = self.each(self._frame, relations.values())
        for name, frame in zip(relations, self.each(_computed, frames), strict=True):
            self._put(name, frame)
        return {}

    def prepare(self, relations: Mapping[str, ir.Table]) -> dict[str, int]:
        """Make relations readable by name; computed when they are read, from the tables as they
        are now."""
        frames = self.each(self._frame, relations.values())
        for name, frame in zip(relations, frames, strict=True):
            frame.createOrReplaceTempView(name)
        return {}

    def rows(self, relation: ir.Table, /) -> pa.Table:
        """The rows of a relation, in any order."""
        kinds = column_types(relation).items()
        schema = pa.schema([(name, kind.arrow) for name, kind in kinds])
        return self._frame(relation).toArrow().cast(schema)

    def each(self, work: Callable[[_T], _R], things: Iterable[_T], /) -> list[_R]:
        """What `work` makes of each thing, several at once: most of the time goes into planning."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(work, things))

    def scan(
        self,
        name: str,
        files: Sequence[str],
        schema: pa.Schema,
        between: tuple[str, int, int] | None = None,
    ) -> None:
        """Make the columns `schema` of Parquet `files` readable as `name`; see `shape.Engine`."""
        if not files:
            self.session.createDataFrame(schema.empty_table()).createOrReplaceTempView(name)
            return
        kinds = {field.name: _ARROW_TO_SPARK[field.type] for field in schema}
        condition = "true"
        if between is not None:
            column, least, greatest = between
            kinds[column] = WHOLE.spark
            condition = f"{quoted(column)} BETWEEN {int(least)} AND {int(greatest)}"
        read = ", ".join(f"{quoted(column)} {kind}" for column, kind in kinds.items())
        # given, the schema needs no look into the files
        frame = self.session.read.schema(read).parquet(*(_exact(file) for file in files))
        wanted = [quoted(column) for column in schema.names]
        frame.where(condition).select(*wanted).createOrReplaceTempView(name)

    def lend(self, relation: ir.Table, session: DuckDB) -> None:
        """Collect a kept table into the embedded `session`, under its name."""
        session.keep(relation.get_name(), self.rows(relation))

    def borrow(self, name: str, session: DuckDB) -> None:
        """Send the table `name` of the embedded `session` to the executors."""
        self.keep(name, session.rows(f"SELECT * FROM {duckdb_name(name)}"))

    def _frame(self, relation: ir.Table) -> Any:
        return self.session.sql(spark_sql(relation))

    def _put(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        old, self._kept[name] = self._kept.get(name), frame
        if old is not None:
            _forget(old)


def _computed(frame: Any) -> Any:
    """The frame's rows on the executors, without the plan that made them.

    A plan that grew day by day would be longer each day.
    """
    return frame.localCheckpoint(eager=True)


def _forget(frame: Any) -> None:
    frame._jdf.queryExecution().logical().rdd().unpersist(False)  # noqa: SLF001 - Spark has no call


def _exact(path: str) -> str:
    """A path that names this one file, whatever wildcards it holds."""
    return "".join(f"\\{c}" if c in "\\*?[]{}" else c for c in path)
