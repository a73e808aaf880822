"""Small tables: append, replace, view."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from gridtrail.errors import BadSettings, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint
from gridtrail.lake.schema import TIMESTAMP, TableShape

SHAPE = TableShape(
    "clients",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("ua", pa.string(), nullable=False),
            pa.field("family", pa.string()),
            pa.field("share", pa.float64()),
            pa.field("known", pa.bool_()),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("seen_at", TIMESTAMP),
        ]
    ),
    ("org",),
)


def clients(*pairs: tuple[str, str]) -> pa.Table:
    rows = [{"org": org, "ua": ua, "share": 0.5, "tags": ["x"]} for org, ua in pairs]
    return pa.Table.from_pylist(rows, schema=SHAPE.schema)


def seen(lake: Lake, **where: str) -> list[tuple[str, str]]:
    lake.view(SHAPE, "seen", **where)
    rows = lake.engine.rows("SELECT * FROM seen ORDER BY org, ua")
    assert rows.schema.names == SHAPE.schema.names
    assert rows.schema.types == SHAPE.schema.types
    return [(row["org"], row["ua"]) for row in rows.to_pylist()]


def test_absent_table_is_empty(lake: Lake) -> None:
    """A table that was never written reads as empty, with its columns, and nothing is made."""
    assert seen(lake) == []
    assert lake.view(SHAPE, "seen").version == -1
    assert not lake.home.exists()


def test_append_and_replace(lake: Lake) -> None:
    """Appending adds; replacing changes the rows of the named partition and no others."""
    assert lake.write(SHAPE, clients(("A", "curl"), ("B", "wget"))) == 2
    assert lake.write(SHAPE, clients(("A", "go"))) == 1
    assert seen(lake) == [("A", "curl"), ("A", "go"), ("B", "wget")]
    assert seen(lake, org="A") == [("A", "curl"), ("A", "go")]
    lake.write(SHAPE, clients(("A", "new")), replace={"org": "A"})
    assert seen(lake) == [("A", "new"), ("B", "wget")]
    lake.write(SHAPE, clients(), replace={"org": "B"})
    assert seen(lake) == [("A", "new")]
    lake.write(SHAPE, clients(("C", "c")), replace={})
    assert seen(lake) == [("C", "c")]


def test_relation_is_written_by_name(lake: Lake) -> None:
    """A relation of the engine is written by name, its columns in any order, with a checkpoint."""
    lake.engine.keep(
        "found",
        "SELECT NULL AS family, 1 AS share, true AS known, NULL AS tags, 'A' AS org, 'x' AS ua,"
        " NULL AS seen_at",
    )
    lake.write(SHAPE, "found", checkpoint=Checkpoint("profiles", 3))
    assert seen(lake) == [("A", "x")]
    assert lake.checkpoint("profiles", shape=SHAPE) == 3


def test_view_keeps_its_version(lake: Lake) -> None:
    """A view shows the version at which it was made, whatever is written later."""
    lake.write(SHAPE, clients(("A", "old")))
    lake.view(SHAPE, "kept")
    lake.write(SHAPE, clients(("A", "new")), replace={})
    assert lake.engine.value("SELECT ua FROM kept") == "old"


def test_wrong_partitions_are_refused(lake: Lake) -> None:
    """Rows outside the replaced partition, unknown partitions and path-like values are refused."""
    lake.write(SHAPE, clients(("A", "old")))
    with pytest.raises(WrongUse, match="outside"):
        lake.write(SHAPE, clients(("B", "x")), replace={"org": "A"})
    with pytest.raises(WrongUse, match="no partition column 'ua'"):
        lake.write(SHAPE, clients(), replace={"ua": "x"})
    with pytest.raises(WrongUse, match="cannot name"):
        lake.write(SHAPE, clients(("../B", "x")))
    assert seen(lake) == [("A", "old")]


def test_path_with_wildcards(new_lake: object) -> None:
    """A lake in a directory whose name holds wildcards and quotes works like any other."""
    lake = new_lake("we[ir]d *'?= lake")  # type: ignore[operator]
    lake.write(SHAPE, clients(("A", "old")))
    assert seen(lake) == [("A", "old")]
    lake.write(SHAPE, clients(("A", "new")), replace={"org": "A"})
    assert seen(lake) == [("A", "new")]


def test_path_that_is_read_otherwise(new_lake: Callable[[str], Lake]) -> None:
    """A directory whose name looks like an escape of a URL is refused at once, with what to do."""
    with pytest.raises(BadSettings, match=r"%41 .*rename the directory"):
        new_lake("a%41b/lake")
    lake = new_lake("100% of %zz/lake")
    lake.write(SHAPE, clients(("A", "x")))
    assert seen(new_lake("100% of %zz/lake")) == [("A", "x")]
