"""Relations as Spark SQL, and what is not portable in them."""

from __future__ import annotations

import subprocess
import sys

import ibis
import pytest

from gridtrail.engine.spark_sql import not_portable, quoted, spark_sql
from gridtrail.errors import WrongUse

EVENTS = ibis.table({"who": "string", "at": "int64", "share": "float64"}, name="events")


def test_columns_have_the_types_that_the_relation_says() -> None:
    """Every column is cast: Spark's own types of numbers and places differ."""
    place = ibis.row_number().over(order_by=EVENTS["at"])
    sql = spark_sql(EVENTS.select("who", "share", place=place, known=EVENTS.who.notnull()))

    for cast in ("`who` AS STRING", "`share` AS DOUBLE", "`place` AS BIGINT", "`known` AS BOOLEAN"):
        assert f"CAST({cast})" in sql


def test_other_types_are_refused() -> None:
    """A column that engines would not understand alike is an error that names it."""
    times = EVENTS.select(time=EVENTS["at"].as_timestamp("s"))

    with pytest.raises(WrongUse, match="The column time"):
        spark_sql(times)


def test_names_are_quoted() -> None:
    """Any name can stand in SQL."""
    assert quoted("a`b") == "`a``b`"


@pytest.mark.parametrize(
    ("relation", "word"),
    [
        (EVENTS.aggregate(x=EVENTS.share.mean()), "Mean"),
        (EVENTS.aggregate(x=EVENTS.share.sum()), "Sum of floats"),
        (EVENTS.aggregate(x=EVENTS.who.argmax(EVENTS["at"])), "ArgMax"),
        (EVENTS.aggregate(x=EVENTS["at"].bit_or()), "BitOr"),
    ],
    ids=["mean", "floats", "which of equals", "unknown to Spark"],
)
def test_what_engines_compute_otherwise(relation: ibis.Table, word: str) -> None:
    """What depends on order, ties or tables of letters is named, and what Spark lacks."""
    assert [said for said in not_portable(relation) if word in said]


def test_portable() -> None:
    """Counts, sums of integers, windows and joins are the same everywhere."""
    earlier = ibis.range_window(preceding=(None, 1), group_by=EVENTS.who, order_by=EVENTS["at"])
    rows = EVENTS.mutate(before=EVENTS.count().over(earlier), last=EVENTS["at"].max().over(earlier))
    sums = rows.group_by("who").aggregate(all=rows.before.sum(), people=rows.who.nunique())

    assert not_portable(sums.join(EVENTS, "who")) == []


def test_pyspark_is_not_needed() -> None:
    """Whoever writes a detector can check it without Spark."""
    code = (
        "import sys, ibis; from gridtrail.engine.spark_sql import not_portable; "
        "t = ibis.table({'x': 'float64'}, name='t'); assert not_portable(t.filter(t.x > 1.5)) == []"
        "; assert 'pyspark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
