"""Records as lines of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gridtrail.errors import SkipRecord
from gridtrail.export.formats import RECORD_FORMATS, ExportFormat
from gridtrail.export.lines import event_line, finding_line

ROW = {"org": "E0", "id": "e1", "date_create": 5, "action": "user_login"}


@pytest.mark.parametrize("kind", RECORD_FORMATS)
def test_one_ascii_line(kind: ExportFormat) -> None:
    """A line is ASCII without line breaks, whatever the event's texts hold."""
    event = {"id": "e1", "n": "zo\u00eb\n\u2028\u202e\x7f\x85\U0001f600", "x": 1}
    raw = json.dumps(event, ensure_ascii=False, indent=1)
    line = event_line({**ROW, "raw": raw}, kind)
    assert line.isascii()
    assert line.isprintable()
    made = json.loads(line)
    found = {
        ExportFormat.ndjson: lambda: made,
        ExportFormat.ocsf: lambda: made["unmapped"],
        ExportFormat.ecs: lambda: made["slack"]["audit"],
    }
    assert found[kind]()["n"] == event["n"]


def test_ndjson_is_the_same_event() -> None:
    """The line of NDJSON reads as the same value, number by number."""
    raw = '{"id":"e1","n":1.10,\n"big":123456789012345678901234567890,"t":"\u00e9"}'
    line = event_line({**ROW, "raw": raw}, ExportFormat.ndjson)
    assert json.loads(line) == json.loads(raw)
    assert '"n":1.10' in line


@pytest.mark.parametrize("kind", [ExportFormat.ocsf, ExportFormat.ecs])
def test_numbers_others_can_hold(kind: ExportFormat) -> None:
    """A number beyond 64 bits or beyond a double becomes text, in a converted event."""
    raw = '{"id":"e1","details":{"big":99999999999999999999999,"far":1e999,"ok":-7}}'
    made = json.loads(event_line({**ROW, "raw": raw}, kind))
    holder = made["unmapped"] if kind is ExportFormat.ocsf else made["slack"]["audit"]
    assert holder["details"] == {"big": "99999999999999999999999", "far": "1e999", "ok": -7}


@pytest.mark.parametrize("raw", ["{", "[]", '"text"', "[" * 200_000])
@pytest.mark.parametrize("kind", [ExportFormat.ocsf, ExportFormat.ecs])
def test_no_event(kind: ExportFormat, raw: str) -> None:
    """What is no event is refused as a record to skip."""
    with pytest.raises(SkipRecord):
        event_line({**ROW, "raw": raw}, kind)


@pytest.mark.parametrize("kind", [ExportFormat.ocsf, ExportFormat.ecs])
@pytest.mark.parametrize("deep", ["[" * 400 + "]" * 400, '"\\ud800 half"'])
def test_odd_but_json(kind: ExportFormat, deep: str) -> None:
    """What a fast writer of JSON refuses is written all the same."""
    raw = f'{{"id":"e1","details":{{"x":{deep}}}}}'
    made = json.loads(event_line({**ROW, "raw": raw}, kind))
    holder = made["unmapped"] if kind is ExportFormat.ocsf else made["slack"]["audit"]
    assert holder["details"] == json.loads(raw)["details"]


@pytest.mark.parametrize("kind", RECORD_FORMATS)
def test_finding_line(kind: ExportFormat, finding: dict[str, Any]) -> None:
    """A finding is one line in each format, and is in it whole."""
    made = json.loads(finding_line(finding, kind))
    whole = {
        ExportFormat.ndjson: lambda: made,
        ExportFormat.ocsf: lambda: made["unmapped"],
        ExportFormat.ecs: lambda: made["gridtrail"]["finding"],
    }
    assert whole[kind]() == finding
