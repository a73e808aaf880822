from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.collect.importing import ImportReport, import_files
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE
from gridtrail.settings import ImportSettings, Settings

Line = Callable[..., bytes]


class Desk:
    """A lake in a fresh directory, and a way to import bytes into it."""

    def __init__(self, home: Path, engine: DuckDB) -> None:
        self.home, self.engine = home, engine
        self.lake = Lake(home / "lake", engine)
        self.files = 0

    def take(self, data: bytes, name: str | None = None, **limits: int) -> ImportReport:
        self.files += 1
        path = self.home / (name or f"file-{self.files}")
        path.write_bytes(data)
        chosen = Settings(imports=ImportSettings(**limits))
        report = import_files([path], self.lake, self.engine, chosen, org="E0K")
        total = report.total
        assert total.read == total.stored + total.already_there + total.quarantined
        return report

    def rows(self, sql: str) -> list[dict[str, Any]]:
        self.lake.view(EVENTS_TABLE, "events")
        self.lake.view(QUARANTINE_TABLE, "quarantine")
        rows: list[dict[str, Any]] = self.engine.rows(sql).to_pylist()
        return rows

    def raws(self) -> list[bytes]:
        rows = self.rows("SELECT raw FROM events ORDER BY date_create, id")
        return [row["raw"].encode() for row in rows]


@pytest.fixture
def desk(tmp_path: Path, engine: DuckDB) -> Desk:
    """A fresh lake."""
    return Desk(tmp_path, engine)


def test_events_are_stored_with_their_bytes(desk: Desk, line: Line) -> None:
    """Every event of a file is stored with its raw bytes; a second import stores nothing."""
    lines = [line(i) for i in range(2000)]
    report = desk.take(b"".join(lines))
    assert report.total.stored == 2000
    assert (report.exit_code, report.unknown_actions, report.incomplete) == (0, Counter(), [])
    assert desk.raws() == [one.rstrip(b"\n") for one in lines]
    row = desk.rows("SELECT * FROM events WHERE id = 'event-7'")[0]
    assert (row["org"], row["source"], row["day"].isoformat()) == ("E0K", "import", "2026-09-21")
    assert (row["entity_id"], row["session_id"], row["ip"]) == (
        "F7",
        "12177102026566",
        "203.0.113.7",
    )
    again = desk.take(b"".join(lines))
    assert (again.total.stored, again.total.already_there) == (0, 2000)


def test_every_malformed_record_is_quarantined_in_its_place(desk: Desk, line: Line) -> None:
    """Each kind of bad record goes to the quarantine with reason, place and bytes; the rest is
    stored."""
    bad = {
        "not_json": [b"nonsense", line(1).replace(b"1790000001", b"NaN"), line(2)[:-3]],
        "not_utf8": [line(3).replace(b"Mira", b"Mi\xffra"), line(4).replace(b"Mira", rb"\ud800")],
        "too_deep": [b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"],
        "duplicate_key": [b'{"id":"a","id":"b","date_create":1,"action":"x"}'],
        "not_an_object": [b"5", b'"text"'],
        "no_id": [line(5, id=None), line(5, id=""), b"{}", b'{"event":"user_login"}'],
        "no_time": [line(6, date_create=None)],
        "bad_time": [line(7, date_create="yesterday")],
        "no_action": [line(8, action=None)],
        "bad_field": [line(9, id="a\x00b"), line(9, id="x" * 300)],
        "too_large": [line(10, details={"x": "y" * 5000})],
    }
    data = b""
    expected: dict[str, tuple[str, bytes]] = {}
    for reason, records in bad.items():
        for record in records:
            data += line(100 + len(expected)) + record.rstrip(b"\n") + b"\n"
            expected[f"line {2 * len(expected) + 2}"] = (reason, record.rstrip(b"\n"))
    report = desk.take(data, max_record_bytes=4000)
    found = {
        row["position"]: (row["reason"], row["raw"])
        for row in desk.rows("SELECT position, reason, raw FROM quarantine")
    }
    assert found == expected
    assert report.total.stored == len(expected) == report.total.quarantined
    assert report.reasons == Counter(reason for reason, _ in expected.values())
    assert report.exit_code == 1
    assert not report.incomplete
    again = desk.take(data, max_record_bytes=4000)
    assert (again.total.stored, again.total.quarantined) == (0, len(expected))
    assert desk.rows("SELECT count(*) AS n FROM quarantine") == [{"n": len(expected)}]


def test_every_envelope_in_one_file(desk: Desk, event: Any) -> None:
    """Plain, wrapped, paged and pretty events in one file are all stored, with the inner bytes."""
    inner = [json.dumps(event(i), ensure_ascii=False) for i in range(12)]
    text = [json.dumps(one) for one in inner]
    panther = json.dumps({**event(12), "p_log_type": "Slack.AuditLogs", "p_row_id": "1"})
    page = f'{{"entries":[{inner[6]}, {inner[7]}],"response_metadata":{{"next_cursor":""}}}}'
    data = "\r\n".join(
        [
            "\ufeff" + inner[0],
            f'{{"preview":false,"result":{{"_raw":{text[1]}}}}}',
            f'{{"time":1,"event":{inner[2]}}}',
            f'{{"event":{text[3]}}}',
            f'{{"_source":{{"event":{{"original":{text[4]}}}}}}}',
            f'{{"message":{text[5]}}}',
            page + f'{{"entries":[{inner[8]}]}}',
            "",
            f"[{inner[9]},\n\n{inner[10]}]",
            panther,
            inner[11] + inner[0],
        ]
    )
    report = desk.take(data.encode())
    assert (report.total.stored, report.total.already_there) == (13, 1)
    assert report.total.quarantined == 0
    assert desk.raws() == [one.encode() for one in [*inner, panther]]


def test_a_bad_event_in_an_envelope_keeps_its_envelope(desk: Desk, line: Line) -> None:
    """What is quarantined out of a single wrapping is the record as it came; of a page, the
    entry."""
    wrapped = b'{"_raw":"{\\"id\\":5}","host":"h"}'
    page = b'{"entries":[' + line(1).strip() + b',{"id":"x"}]}'
    desk.take(wrapped + b"\n" + page + b"\n")
    rows = desk.rows("SELECT position, reason, raw FROM quarantine ORDER BY position")
    assert rows == [
        {"position": "line 1", "reason": "no_action", "raw": wrapped},
        {"position": "line 2, entries[1]", "reason": "no_action", "raw": b'{"id":"x"}'},
    ]


@pytest.mark.parametrize("packing", ["gzip", "zstd", "plain"])
def test_a_truncated_file_keeps_what_came_before(desk: Desk, line: Line, packing: str) -> None:
    """Of a file that was cut off all whole events are stored, and it is reported as incomplete."""
    noise = random.Random(3)
    lines = [line(i, details={"n": noise.randbytes(300).hex()}) for i in range(3000)]
    data = b"".join(lines)
    packed = data
    if packing == "gzip":
        packed = gzip.compress(data)
    elif packing == "zstd":
        packed = zstandard.compress(data)
    report = desk.take(packed[: len(packed) * 3 // 4])
    stored = desk.raws()
    assert len(stored) > 1500
    assert stored == [one.rstrip(b"\n") for one in lines[: len(stored)]]
    assert report.incomplete
    assert report.exit_code == 1
    assert report.reasons["truncated"] >= 1
    rows = desk.rows("SELECT position, message FROM quarantine WHERE reason = 'truncated'")
    places = {row["position"].split()[0] for row in rows}
    assert ("line" in places) if packing == "plain" else ("byte" in places)


def test_a_huge_line_is_refused_and_the_rest_goes_on(desk: Desk, line: Line) -> None:
    """A record of 100 MB is kept shortened, with its size; memory stays bounded."""
    huge = b'{"id":"' + b"x" * 100_000_000 + b'"}'
    report = desk.take(gzip.compress(line(1) + huge + b"\n" + line(2), 1))
    assert (report.total.stored, report.total.quarantined) == (2, 1)
    row = desk.rows("SELECT * FROM quarantine")[0]
    assert (row["reason"], row["position"]) == ("too_large", "line 2")
    assert row["raw_bytes"] == len(huge)
    assert row["raw"] == huge[: 64 * 1024]


def test_conflicts_are_counted_as_quarantined(desk: Desk, line: Line) -> None:
    """A second event under the same id is no duplicate: it is quarantined and counted."""
    report = desk.take(line(1) + line(1, action="user_login") + line(1))
    assert (report.total.stored, report.total.already_there, report.total.conflicts) == (1, 1, 1)
    assert report.total.quarantined == 1
    assert report.reasons == Counter({"id_conflict": 1})


def test_unknown_actions_are_stored_and_counted(desk: Desk, line: Line) -> None:
    """An action that is not in the catalogue is stored all the same, and named in the report."""
    report = desk.take(line(1, action="brand_new") + line(2, action="brand_new") + line(3))
    assert report.total.stored == 3
    assert report.unknown_actions == Counter({"brand_new": 2})


def test_hostile_text_is_only_text(desk: Desk, event: Any) -> None:
    """SQL, markup, control characters and path tricks in any field come back unchanged."""
    for number, text in enumerate(
        ["'; DROP TABLE events; --", "<script>", "../../etc", "\x00\x1b[2J", "=1+1", "\u202e", '"']
    ):
        one = event(number, action=f"a{number}")
        one["actor"]["user"] = dict.fromkeys(("id", "name", "email", "team"), text)
        one["entity"]["file"] = {"id": text, "name": text}
        one["context"] |= {"ua": text, "ip_address": text, "session_id": text}
        desk.take(json.dumps(one).encode())
        row = desk.rows(f"SELECT * FROM events WHERE action = 'a{number}'")[0]
        columns = ("actor_id", "actor_email", "entity_id", "entity_name", "ua", "ip", "session_id")
        assert {row[column] for column in columns} == {text}


def test_progress_and_several_files(tmp_path: Path, engine: DuckDB, line: Line) -> None:
    """Each file has its own numbers; progress ends at all bytes and all records."""
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(line(1) + line(2))
    paths[1].write_bytes(line(2) + line(3) + b"x\n")
    seen: list[tuple[int, int | None, int]] = []
    report = import_files(
        paths,
        Lake(tmp_path / "lake", engine),
        engine,
        Settings(),
        org="E0K",
        on_progress=lambda *step: seen.append(step),
    )
    assert [file.counts.stored for file in report.files] == [2, 1]
    assert report.files[1].counts.quarantined == 1
    size = sum(path.stat().st_size for path in paths)
    assert seen[-1] == (size, size, 5)
    assert seen == sorted(seen, key=lambda step: (step[0], step[2]))


def test_standard_input(tmp_path: Path, line: Line) -> None:
    """The name - reads standard input, compressed or not."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "lake"), "-"],
        input=gzip.compress(line(1) + line(2)),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"stored": 2, "read": 2}


def test_a_missing_file_is_wrong_use(tmp_path: Path, engine: DuckDB, line: Line) -> None:
    """Nothing is read when one of the files is not there."""
    (tmp_path / "a").write_bytes(line(1))
    lake = Lake(tmp_path / "lake", engine)
    with pytest.raises(WrongUse, match="no file"):
        import_files([tmp_path / "a", tmp_path / "b"], lake, engine, Settings(), org="E0K")
    assert not (tmp_path / "lake").exists()


MIX = st.lists(
    st.one_of(
        st.integers(0, 9).map(lambda n: ("event", n)),
        st.sampled_from([b"x", b"{}", b"[", b"\xff", b"", b"  ", b'{"id":1,', b"[]"]).map(
            lambda raw: ("other", raw)
        ),
        st.lists(st.integers(0, 9), max_size=3).map(lambda ns: ("page", ns)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(MIX)
def test_the_numbers_add_up(engine: DuckDB, line: Line, mix: list[tuple[str, Any]]) -> None:
    """On any mix: read is what the file holds, each event is stored once, and the sums agree."""
    data, events, others = b"", [], 0
    for kind, what in mix:
        if kind == "event":
            data += line(what)
            events.append(what)
        elif kind == "page":
            inside = b",".join(line(number).strip() for number in what)
            data += b'{"entries":[' + inside + b"]}\n"
            events += what
        else:
            data += what + b"\n"
            others += what.strip() not in (b"", b"[]")
    with tempfile.TemporaryDirectory() as home:
        desk = Desk(Path(home), engine)
        total = desk.take(data).total
        if not any(what == b"[" for _, what in mix):
            assert total.read == len(events) + others
            assert (total.stored, total.quarantined) == (len(set(events)), others)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_mutated_files_never_raise(engine: DuckDB, line: Line, data: st.DataObject) -> None:
    """Changed, cut or random bytes give a report whose numbers add up; nothing is raised."""
    whole = b"".join(line(number) for number in range(6))
    page = json.dumps({"entries": [json.loads(line(7)), json.loads(line(8))]}, indent=1).encode()
    raw = bytearray(
        data.draw(
            st.sampled_from([whole, page + whole, gzip.compress(whole), zstandard.compress(whole)])
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"[", b"{", b'"', b"\n", b"]}", b"\\"])
        )
    with tempfile.TemporaryDirectory() as home:
        desk = Desk(Path(home), engine)
        report = desk.take(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
        stored = desk.rows("SELECT count(*) AS n FROM events")[0]["n"]
        assert stored == report.total.stored


PROGRAM = """
import json, sys
from pathlib import Path
from gridtrail.collect.importing import import_files
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import ImportSettings, Settings
engine = DuckDB(threads=1)
settings = Settings(imports=ImportSettings(batch_bytes=1_000_000))
lake = Lake(Path(sys.argv[1]), engine)
total = import_files([sys.argv[2]], lake, engine, settings, org="E0K").total
print(json.dumps({"stored": total.stored, "read": total.read}))
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_finishes_later(tmp_path: Path, engine: DuckDB, line: Line) -> None:
    """Killed up to ten times at random and started again, each event is there once, byte for
    byte."""
    lines = [line(number) for number in range(60_000)]
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(lines) + b"bad one\n")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "lake"), str(path)]
    moments = random.Random(11)
    log = tmp_path / "lake" / "events" / "_delta_log"
    killed = 0
    for _ in range(10):
        enough = len(list(log.glob("*.json"))) + moments.randint(0, 4)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while len(list(log.glob("*.json"))) < enough and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            break  # a busy machine took so long to come back that it had finished
        killed += 1
    assert killed
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout)["read"] == 60_001
    desk = Desk(tmp_path, engine)
    assert desk.raws() == [one.rstrip(b"\n") for one in lines]
    assert desk.rows("SELECT count(*) AS n, any_value(raw) AS raw FROM quarantine") == [
        {"n": 1, "raw": b"bad one"}
    ]
