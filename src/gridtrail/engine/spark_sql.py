"""Ibis relations as Spark SQL, without Spark being installed, and what is not portable in them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.common.exceptions import IbisError

from gridtrail.engine.shape import column_types
from gridtrail.errors import WrongUse

DIFFERING: tuple[type[ops.Node], ...] = (
    ops.Arbitrary,
    ops.ArgMax,
    ops.ArgMin,
    ops.ArrayCollect,
    ops.ApproxCountDistinct,
    ops.ApproxMedian,
    ops.First,
    ops.Hash,
    ops.Last,
    ops.Mean,
    ops.Median,
    ops.Quantile,
    ops.RandomScalar,
    ops.RandomUUID,
    ops.StandardDev,
    ops.Variance,
)
"""What engines compute differently: floats that depend on the order of rows, the choice among
equals, hashes and chance. Left to the author: texts joined in a group come in any order (sort them
in `explain`), and the case of letters is alike for ASCII alone."""


def quoted(name: str) -> str:
    """`name` as an identifier of Spark SQL, safe whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


class _Compiler(PySparkCompiler):  # type: ignore[misc] # Ibis ships no types
    """Ibis's compiler for Spark, mended where it would mean something else than for DuckDB."""

    __slots__ = ()

    def visit_Field(self, op: ops.Field, *, rel: Any, name: str) -> Any:  # noqa: N802
        # PySparkCompiler asks an option that is only there once pyspark is imported
        return super(PySparkCompiler, self).visit_Field(op, rel=rel, name=name)

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        if dtype.is_floating():
            # `1.5` is a decimal number in Spark, `1.5D` a float
            return self.cast(sge.convert(repr(float(value))), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_InValues(self, op: ops.InValues, **given: Any) -> Any:  # noqa: N802
        # `a IN (1, 2) = b` is no Spark SQL
        return sge.paren(super().visit_InValues(op, **given), copy=False)

    def visit_Between(self, op: ops.Between, **given: Any) -> Any:  # noqa: N802
        return sge.paren(super().visit_Between(op, **given), copy=False)

    def visit_StringSplit(self, op: ops.StringSplit, *, arg: Any, delimiter: Any) -> Any:  # noqa: N802
        # Spark splits at a regular expression
        exact = self.f.concat("\\Q", delimiter, "\\E")
        return self.f.anon.split(arg, exact, sge.convert(-1))

    def visit_ArrayIndex(self, op: ops.ArrayIndex, *, arg: Any, index: Any) -> Any:  # noqa: N802
        return self.f.anon.try_element_at(arg, index + 1)  # null beyond the end, as in DuckDB


_COMPILER = _Compiler()


def spark_sql(relation: ir.Table) -> str:
    """Spark SQL of a relation, whose columns have the types that it says.

    Raises WrongUse when it has no translation.
    """
    return _spark_sql(relation.op())


@lru_cache(4096)
def _spark_sql(operation: ops.Relation) -> str:
    relation = operation.to_expr()
    try:
        sql = _COMPILER.to_sqlglot(relation).sql(dialect=_COMPILER.dialect)
    except IbisError as error:
        raise WrongUse(
            f"A relation cannot be computed by Spark ({error}): write it with what both engines "
            "have."
        ) from error
    columns = ", ".join(
        f"CAST({quoted(name)} AS {kind.spark}) AS {quoted(name)}"
        for name, kind in column_types(relation).items()
    )
    return f"SELECT {columns} FROM ({sql})"


def not_portable(relation: ir.Table) -> list[str]:
    """What in a relation engines would not compute alike, in words; empty when all is well."""
    said = []
    try:
        spark_sql(relation)
    except WrongUse as error:
        said.append(str(error))
    nodes = relation.op().find(ops.Node)
    odd = {type(node).__name__ for node in nodes if isinstance(node, DIFFERING)}
    odd |= {"Sum of floats" for n in nodes if isinstance(n, ops.Sum) and n.dtype.is_floating()}
    said += [f"{name} is not computed alike by all engines" for name in sorted(odd)]
    return said
