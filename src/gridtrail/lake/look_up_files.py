"""Parquet files laid out for look-ups of rare values.

A look-up of some hundred events that lie all over the history unpacks one page of each column for
each event. So pages are small, and columns with many values are stored plainly: with a dictionary
the whole dictionary of a row group would be unpacked to read one value. Bloom filters say which
row groups to pass by. DuckDB ties Bloom filters to dictionaries and has one dictionary limit for
all columns; Arrow's writer takes both by column, so these files are written by it. Measured on
2.5 M events over 60 days: look-ups of an actor with 96 events take half of the processor time
that they take in files written by DuckDB with dictionaries, look-ups by id a third, and the files
are a tenth smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridtrail.engine.duckdb import WrittenFile
from gridtrail.lake.schema import TableShape

_PAGE_ROWS = 2_048
_PAGE_BYTES = 131_072
_FALSE_POSITIVES = 0.01


def write_for_look_ups(
    rows: pa.Table, target: Path, shape: TableShape, partition: Mapping[str, str]
) -> WrittenFile:
    """Write `rows` (sorted, without partition columns) as one row group to the new file `target`.

    The file is not yet forced to the disk.
    """
    schema = pa.schema([f for f in shape.schema if f.name not in shape.partitions])
    filters = {"ndv": max(1, rows.num_rows), "fpp": _FALSE_POSITIVES}
    pq.write_table(
        rows.cast(schema),
        target,
        row_group_size=max(1, rows.num_rows),
        compression="zstd",
        compression_level=1,
        use_dictionary=list(shape.repeated) or True,
        max_rows_per_page=_PAGE_ROWS,
        write_batch_size=_PAGE_ROWS // 2,
        data_page_size=_PAGE_BYTES,
        bloom_filter_options=dict.fromkeys(shape.looked_up, filters) or None,
        store_schema=False,
    )
    bounds = {} if shape.order is None else pc.min_max(rows[shape.order]).as_py()
    order = shape.order or ""
    return WrittenFile(
        path=target,
        rows=rows.num_rows,
        size=target.stat().st_size,
        partition=partition,
        smallest={order: str(bounds["min"])} if bounds else {},
        largest={order: str(bounds["max"])} if bounds else {},
        nulls=dict.fromkeys([order] if bounds else [], 0),
    )
