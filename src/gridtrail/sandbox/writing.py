"""Rows become events in a file: ids, order, faults, and the truth about planted stories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from gridtrail.sandbox.arrivals import Outage
from gridtrail.sandbox.chance import dice, stream
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.plan import Faults, Plan

_VARIANT = "89ab"


def uuids(seed: int, count: int, *names: str | int) -> list[str]:
    """`count` random-looking UUIDs (version 4) determined by seed and names."""
    text = stream(seed, "ids", *names).bytes(16 * count).hex()
    made = []
    for place in range(0, 32 * count, 32):
        mark = _VARIANT[int(text[place + 16], 16) & 3]
        made.append(
            f"{text[place : place + 8]}-{text[place + 8 : place + 12]}-4"
            f"{text[place + 13 : place + 16]}-{mark}{text[place + 17 : place + 20]}-"
            f"{text[place + 20 : place + 32]}"
        )
    return made


class EventFile:
    """Writes rows to NDJSON, ordered by arrival, and remembers the ids of tagged rows.

    `add` takes rows in any order, `flush(before)` writes those that arrive before that second.
    """

    def __init__(self, plan: Plan, path: Path, outages: list[Outage] | None = None) -> None:
        self._plan = plan
        self._outages = outages or []
        self._file = path.open("wb")
        self._waiting: list[tuple[int, int, str, int]] = []  # arrival, second, text, tag
        self._roll = dice(plan.seed, "faults")
        self.written = 0
        self.ids: dict[int, list[str]] = {}
        self.spans: dict[int, tuple[int, int]] = {}

    def add(self, rows: Iterable[Row], *names: str | int) -> None:
        """Take `rows`; `names` say which stream their ids come from."""
        rows = list(rows)
        plan = self._plan
        start, stop = plan.start, plan.stop
        for row, uuid in zip(rows, uuids(plan.seed, len(rows), *names), strict=True):
            if not start <= row.second < stop:
                continue
            text = f'{{"id":"{uuid}","date_create":{row.second},{row.body}'
            for arrival in self._arrivals(row.second):
                self._waiting.append((arrival, row.second, text, row.tag))
            tag = self._outage(row.second) if self._outages and row.tag < 0 else row.tag
            if tag >= 0:
                self._remember(tag, uuid, row.second)

    def _arrivals(self, second: int) -> Iterator[int]:
        for outage in self._outages:
            if outage.covers(second):
                yield outage.arrival(second)
                return
        faults: Faults = self._plan.faults
        yield second + (
            self._roll.randrange(60, 901)
            if faults.late and self._roll.random() < faults.late
            else 0
        )
        if faults.duplicate and self._roll.random() < faults.duplicate:
            yield second + self._roll.randrange(0, 120)

    def _outage(self, second: int) -> int:
        found = [outage.tag for outage in self._outages if outage.covers(second)]
        return found[0] if found else -1

    def _remember(self, tag: int, uuid: str, second: int) -> None:
        self.ids.setdefault(tag, []).append(uuid)
        low, high = self.spans.get(tag, (second, second))
        self.spans[tag] = (min(low, second), max(high, second))

    def flush(self, before: int) -> None:
        """Write what arrives before second `before`, in order of arrival."""
        self._waiting.sort(key=itemgetter(0))
        cut = len(self._waiting)
        for place, entry in enumerate(self._waiting):
            if entry[0] >= before:
                cut = place
                break
        ready, self._waiting = self._waiting[:cut], self._waiting[cut:]
        if ready:
            self._file.write("\n".join(entry[2] for entry in ready).encode() + b"\n")
        self.written += len(ready)

    def close(self) -> None:
        """Write everything that still waits and close the file."""
        self.flush(1 << 62)
        self._file.close()


def write_json(path: Path, value: Any) -> None:
    """`value` as readable JSON with a newline at the end."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """One line each, UTF-8."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
