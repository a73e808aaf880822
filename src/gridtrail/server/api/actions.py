"""Which action names a request may ask for.

Slack refuses a whole request for one name that it does not support. Supported here are the names
of Slack's catalogue and those that the organization's own events have: Slack adds names all the
time, and events may come from elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gridtrail.engine.duckdb import parquet_scan
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.server.api.refusals import Refusal
from gridtrail.slack import catalogue

_SHOWN = 80  # characters of a stranger's name in an answer


class ActionNames:
    """The names seen in the lake, learned when a name is not in the catalogue.

    Each file is read once (its action column alone). May be shared between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, set[str]] = {}
        self._read: set[str] = set()

    def check(self, lake: Lake, org: str, names: Sequence[str]) -> None:
        """Raise Refusal `invalid_action` naming each of `names` that is not supported for `org`."""
        doubtful = [name for name in names if not catalogue.is_known(name)]
        if not doubtful:
            return
        with self._lock:
            self._look(lake)
            seen = self._seen.get(org, set())
            unknown = [name for name in doubtful if name not in seen]
        if unknown:
            raise Refusal("invalid_action", _sentence(unknown))

    def _look(self, lake: Lake) -> None:
        log = lake.log(EVENTS_TABLE)
        log.refresh()
        files = log.files()
        new = [file for file in files if file.path not in self._read]
        by_org: dict[str, list[DataFile]] = {}
        for file in new:
            by_org.setdefault(file.partition["org"], []).append(file)
        for org, its in by_org.items():
            scan = parquet_scan(log.absolute(its), {}, ())
            found = lake.engine.rows(f"SELECT DISTINCT action FROM {scan}")
            self._seen.setdefault(org, set()).update(found.column("action").to_pylist())
        self._read = {file.path for file in files}


def _sentence(unknown: Sequence[str]) -> str:
    named = ", ".join(name[:_SHOWN] for name in unknown)
    close = list(dict.fromkeys(n for name in unknown for n in catalogue.suggest(name, 1)))
    hint = f" (did you mean {', '.join(close)}?)" if close else ""
    return f"Not supported: {named}{hint}: leave it out, or take a name of /audit/v1/actions."
