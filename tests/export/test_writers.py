"""Batches out to files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.export.cells import csv_lines, restored
from gridtrail.export.writers import write_csv, write_ndjson, write_parquet

valid_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
cells = st.one_of(valid_text, st.text(alphabet="=+-@'\" ,;\t\r\n0a"), st.none())


def batches(texts: Sequence[str | None], size: int = 3) -> pa.RecordBatchReader:
    table = pa.table({"raw": pa.array(texts, pa.string()), "n": list(range(len(texts)))})
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=size))


def test_ndjson_is_the_bytes_as_stored() -> None:
    """Each raw text is one line, byte for byte; line breaks between tokens become blanks."""
    out = io.BytesIO()
    count = write_ndjson(batches(['{"a":1.10}', '{"é":"\u2028"}', '{\n "b": 2\r\n}', "{}"]), out)
    assert count == 4
    assert out.getvalue().decode() == '{"a":1.10}\n{"é":"\u2028"}\n{  "b": 2  }\n{}\n'


@given(st.lists(cells, max_size=8))
def test_csv_comes_back_equal(texts: list[str | None]) -> None:
    """Any text comes back from the CSV through a plain CSV parser."""
    out = io.BytesIO()
    assert write_csv(batches(texts), out, columns=["raw", "n"]) == len(texts)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))
    assert rows[0] == ["raw", "n"]
    assert [restored(row[0]) for row in rows[1:]] == [text or "" for text in texts]
    assert [row[1] for row in rows[1:]] == [str(n) for n in range(len(texts))]


@given(st.lists(cells, max_size=8))
def test_csv_cells_are_never_formulas(texts: list[str | None]) -> None:
    """No cell of the file starts with a formula's sign, plain numbers apart."""
    out = io.BytesIO()
    write_csv(batches(texts), out, columns=["raw"])
    for row in list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))[1:]:
        if row and row[0][:1] and row[0][0] in "=+-@\t\r\n":
            float(row[0])


def test_csv_lines_end_as_the_standard_says() -> None:
    """Lines end with CR LF and quotes are doubled (RFC 4180)."""
    assert csv_lines([["a", 'say "hi"', "x,y", "two\nlines"]]) == (
        b'a,"say ""hi""","x,y","two\nlines"\r\n'
    )


def test_parquet_keeps_types_and_values() -> None:
    """Typed columns come back equal, whatever the batches."""
    out = io.BytesIO()
    assert write_parquet(batches(["a", None, "=1", "b"], size=2), out) == 4
    back = pq.read_table(io.BytesIO(out.getvalue()))
    assert back.equals(batches(["a", None, "=1", "b"]).read_all())


def test_parquet_of_nothing_has_columns() -> None:
    """An export without rows is a Parquet file with the columns."""
    out = io.BytesIO()
    assert write_parquet(batches([]), out) == 0
    assert pq.read_table(io.BytesIO(out.getvalue())).column_names == ["raw", "n"]
