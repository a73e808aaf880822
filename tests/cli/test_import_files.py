"""`gridtrail import`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def lines(event: Make) -> bytes:
    """Three events as NDJSON."""
    return b"".join(json.dumps(event(number)).encode() + b"\n" for number in range(3))


def test_standard_input(gridtrail: Run, lines: bytes) -> None:
    """Events come in from stdin, once; the numbers add up."""
    first = gridtrail("import", "-", "-f", "json", stdin=lines)
    assert first.code == 0
    assert first.json[0] | {"bytes": 0} == {
        "file": "stdin",
        "read": 3,
        "stored": 3,
        "already_there": 0,
        "quarantined": 0,
        "bytes": 0,
        "incomplete": None,
    }
    again = gridtrail("import", "-", "-f", "json", stdin=lines).json[0]
    assert (again["stored"], again["already_there"]) == (0, 3)
    assert len(gridtrail("logs", "-f", "ndjson").rows) == 3


def test_files_and_their_total(gridtrail: Run, lines: bytes, tmp_path: Path) -> None:
    """Each file has its row and all together have one; the next step is said."""
    (tmp_path / "a.ndjson").write_bytes(lines)
    array = b"[" + lines.replace(b"\n", b",")[:-1] + b"]"
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(array))
    result = gridtrail("import", str(tmp_path / "a.ndjson"), str(tmp_path / "b.json.gz"))
    rows = [line.split()[-4:] for line in result.text.splitlines()[1:]]
    assert rows == [["3", "3", "0", "0"], ["3", "0", "3", "0"], ["6", "3", "3", "0"]]
    assert "6 records read" in result.err
    assert "detect" in result.err.splitlines()[-1]


def test_organization_and_source(gridtrail: Run, lines: bytes) -> None:
    """--org and --source are kept with each event."""
    gridtrail("import", "-", "--org", "E0KESTREL", "--source", "slack", stdin=lines)
    row = gridtrail("logs", "-f", "json", "--limit", "1").json[0]
    assert (row["org"], row["source"]) == ("E0KESTREL", "slack")


def test_quarantine_is_told(gridtrail: Run, lines: bytes) -> None:
    """What is no event is counted with its reason, and the next step shows it."""
    result = gridtrail("import", "-", stdin=lines + b'nonsense\n{"action":"x"}\n')
    assert result.code == 1
    assert "2 records quarantined" in result.err
    assert "not_json: 1" in result.err
    step = next(line for line in result.err.splitlines() if "quarantine'" in line)
    query = step.split("'")[1]
    rows = gridtrail("sql", query, "-f", "json").json
    assert {row["reason"] for row in rows} == {"not_json", "no_id"}


def test_incomplete_file(gridtrail: Run, lines: bytes, tmp_path: Path) -> None:
    """A file that ends too early is said to, with exit code 1; what it held is stored."""
    file = tmp_path / "cut.ndjson.gz"
    file.write_bytes(gzip.compress(lines * 50)[:-12])
    result = gridtrail("import", str(file))
    assert result.code == 1
    assert "is incomplete" in result.err


def test_new_actions_are_named(gridtrail: Run, event: Make) -> None:
    """Actions that the catalogue does not know are stored and named."""
    raw = json.dumps(event(1, "brand_new_action")).encode()
    result = gridtrail("import", "-", stdin=raw)
    assert result.code == 0
    assert "New to the catalogue: brand_new_action (1)." in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.json"], "There is no file 'missing.json'"),
        (["-", "--org", "a/b"], "cannot name an organization"),
        (["-", "--source", "elsewhere"], "elsewhere"),
        ([], "Missing argument"),
    ],
)
def test_wrong_use(gridtrail: Run, arguments: list[str], said: str) -> None:
    """Wrong use is said before anything is read."""
    result = gridtrail("import", *arguments)
    assert result.code == 2
    assert said in result.err


def test_sightings(gridtrail: Run, tmp_path: Path) -> None:
    """Sightings are read with a mapping, kept once, queryable; a bad row is told, exit code 1."""
    seen = tmp_path / "vpn.csv"
    seen.write_text("mail,ip,at\nmatt@acme.example,203.0.113.7,2026-09-22T09:12:00Z\n")
    asked = ("import", "--sightings", "plain", "--map", "person=mail", "--map", "time=at")
    first = gridtrail(*asked, "--system", "vpn", str(seen))
    assert first.code == 0
    assert "1 sighting new" in first.err
    assert "0 sightings new" in gridtrail(*asked, "--system", "vpn", str(seen)).err
    rows = gridtrail("sql", "select person, system from sightings", "-f", "ndjson").rows
    assert rows == [{"person": "matt@acme.example", "system": "vpn"}]
    seen.write_text("mail,ip,at\n\x1b[31m,203.0.113.7,2026-09-22\n,nowhere,\n")
    bad = gridtrail(*asked, str(seen))
    assert bad.code == 1
    assert "row 2: it names no person" in bad.err
    wrong = gridtrail("import", "--map", "a=b", str(seen))
    assert (wrong.code, "belong to --sightings" in wrong.err) == (2, True)
