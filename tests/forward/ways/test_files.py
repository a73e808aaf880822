"""Files in a directory."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.files import FilesWay
from gridtrail.forward.ways.way import Busy
from gridtrail.settings_forward import ForwardSettings

Make = Callable[..., ForwardSettings]
Records = Callable[[int], list[Sendable]]


@pytest.mark.parametrize("compress", [False, True])
def test_a_batch_is_a_file(
    compress: bool, settings: Make, records: Records, tmp_path: Path
) -> None:
    """A batch is one file, for its owner alone; the same batch again replaces it."""
    way = FilesWay(settings("files", directory="out", compress=compress), tmp_path)
    way.send(records(2), "0001")
    way.send(records(3), "0001")
    way.send(records(1), "0002")
    files = sorted((tmp_path / "out").iterdir())
    ending = ".ndjson.gz" if compress else ".ndjson"
    assert [one.name for one in files] == [f"t-events-000{n}{ending}" for n in (1, 2)]
    data = files[0].read_bytes()
    lines = (gzip.decompress(data) if compress else data).splitlines()
    assert lines == [record.line.encode() for record in records(3)]
    assert files[0].stat().st_mode & 0o077 == 0


def test_no_directory(settings: Make, records: Records, tmp_path: Path) -> None:
    """A place that is no directory is told, and tried again; no half file stays."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Busy):
        FilesWay(settings("files", directory="out"), tmp_path).send(records(1), "0001")
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
