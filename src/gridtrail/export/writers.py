"""Arrow batches out as NDJSON, CSV or Parquet; memory is bounded by the batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridtrail.export.cells import PLAIN_START, csv_lines, harmless
from gridtrail.export.values import cell_text

_GROUP_ROWS = 65_536  # rows of one Parquet row group, about 50 MB of events


def write_ndjson(batches: Iterable[pa.RecordBatch], file: BinaryIO, *, column: str = "raw") -> int:
    """Write the texts of `column`, one a line, byte for byte; return their number.

    Line breaks between the tokens of a record, the only ones JSON can have, become blanks.
    """
    count = 0
    for batch in batches:
        texts = batch.column(column).to_pylist()
        if texts:
            lines = [text.replace("\n", " ").replace("\r", " ") for text in texts]
            file.write(("\n".join(lines) + "\n").encode())
            count += len(lines)
    return count


def write_csv(batches: Iterable[pa.RecordBatch], file: BinaryIO, *, columns: Sequence[str]) -> int:
    """Write `columns` as RFC 4180 with a header; return the number of rows.

    Null is an empty cell. A cell that a spreadsheet might run as a formula gets an apostrophe in
    front (`gridtrail.export.cells`).
    """
    file.write(csv_lines([columns]))
    count = 0
    for batch in batches:
        cells = [_column_cells(batch.column(name)) for name in columns]
        file.write(csv_lines(zip(*cells, strict=True)))
        count += batch.num_rows
    return count


def _column_cells(column: pa.Array) -> list[str]:
    if not pa.types.is_string(column.type):
        return [cell_text(value) for value in column.to_pylist()]
    filled = pc.fill_null(column, "")
    cells: list[str] = filled.to_pylist()
    # one vectorized look leaves few cells for the exact one
    plain = pc.match_substring_regex(filled, PLAIN_START)
    for index in pc.indices_nonzero(pc.invert(plain)).to_pylist():
        cells[index] = harmless(cells[index])
    return cells


def write_parquet(batches: pa.RecordBatchReader, file: BinaryIO) -> int:
    """Write typed columns, zstd; return the number of rows."""
    count = 0
    with pq.ParquetWriter(file, batches.schema, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(group)
            count += group.num_rows
    return count


def _groups(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _GROUP_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)
