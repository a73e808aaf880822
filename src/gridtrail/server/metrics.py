"""Numbers for Prometheus. No label holds a string that a stranger can choose."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gridtrail.collect.slack_api.coverage import Coverage, collected, coverage
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE
from gridtrail.server.forwarding import ForwardGauges
from gridtrail.server.work import Work

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class LakeFacts:
    """What the logs of the lake say; `version` -1 is no table, times are seconds since the epoch.

    `newest` is the newest event's second, `committed` the time of the newest commit.
    """

    version: int
    rows: int
    files: int
    quarantined: int
    newest: int | None
    committed: float | None


def lake_facts(lake: Lake) -> LakeFacts:
    """Read the logs of the lake. Raises DamagedLake when they cannot be read."""
    events, quarantine = lake.log(EVENTS_TABLE), lake.log(QUARANTINE_TABLE)
    events.refresh()
    quarantine.refresh()
    files = events.files()
    commit = events.root / "_delta_log" / f"{events.version:020}.json"
    return LakeFacts(
        version=events.version,
        rows=sum(file.rows for file in files),
        files=len(files),
        quarantined=sum(file.rows for file in quarantine.files()),
        newest=max((file.last for file in files if file.last is not None), default=None),
        committed=commit.stat().st_mtime if commit.exists() else None,
    )


def coverages(lake: Lake) -> list[Coverage]:
    """How far each collector has read, one for each organization and choice of actions."""
    return [coverage(lake, one.org, actions=one.actions) for one in collected(lake)]


class Metrics:
    """The metrics of one server."""

    def __init__(self, work: Work | None = None) -> None:
        self._work = work
        self._registry = CollectorRegistry()
        its = self._registry
        self._requests = Counter(
            "gridtrail_http_requests", "Requests.", ["route", "method", "status"], registry=its
        )
        self._seconds = Histogram(
            "gridtrail_http_request_seconds", "Time of a request.", ["route"], registry=its
        )
        self._served = Counter("gridtrail_events_served", "Events in pages of logs.", registry=its)
        self._posted = Counter(
            "gridtrail_events_posted", "Events that were posted.", ["outcome"], registry=its
        )
        self._limited = Counter(
            "gridtrail_rate_limited", "Requests answered with 429.", registry=its
        )
        self._rows = Gauge("gridtrail_lake_rows", "Events in the lake.", registry=its)
        self._files = Gauge("gridtrail_lake_files", "Files of the events table.", registry=its)
        self._version = Gauge(
            "gridtrail_lake_version", "Version of the events table.", registry=its
        )
        self._quarantined = Gauge(
            "gridtrail_quarantine_rows", "Records in quarantine.", registry=its
        )
        self._newest = Gauge(
            "gridtrail_lake_newest_event_timestamp_seconds",
            "Time of the newest event.",
            registry=its,
        )
        self._committed = Gauge(
            "gridtrail_lake_last_commit_timestamp_seconds", "Time of the last commit.", registry=its
        )
        self._lag = Gauge(
            "gridtrail_lake_lag_seconds", "Seconds from the newest event until now.", registry=its
        )
        self._make_collected()
        self._make_work()
        self._forward = ForwardGauges(its)
        self._make_notify()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered; `status` 0 means that the client went away."""
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def served(self, events: int) -> None:
        """A page of so many events was given."""
        self._served.inc(events)

    def posted(self, stored: int, already_there: int, quarantined: int) -> None:
        """So many events were posted."""
        self._posted.labels("stored").inc(stored)
        self._posted.labels("already_there").inc(already_there)
        self._posted.labels("quarantined").inc(quarantined)

    def rate_limited(self) -> None:
        """A request was told to wait."""
        self._limited.inc()

    def _make_collected(self) -> None:
        labels = ["org", "actions"]
        self._complete = Gauge(
            "gridtrail_collected_complete_timestamp_seconds",
            "Everything up to here is collected, without a gap since the first second collected.",
            labels,
            registry=self._registry,
        )
        self._gaps = Gauge(
            "gridtrail_collected_gaps",
            "Stretches wanted and not read.",
            labels,
            registry=self._registry,
        )
        self._late = Gauge(
            "gridtrail_late_events", "Events that came late.", labels, registry=self._registry
        )
        self._latest = Gauge(
            "gridtrail_late_events_most_seconds",
            "The longest delay.",
            labels,
            registry=self._registry,
        )
        self._working = Gauge(
            "gridtrail_collector_working",
            "1 when the collector works.",
            labels,
            registry=self._registry,
        )

    def _make_work(self) -> None:
        self._process = Gauge(
            "gridtrail_work_failing",
            "1 when the server's own collector, detection or automatic response fails; of the last "
            "also when its brake is on.",
            ["work"],
            registry=self._registry,
        )
        self._done = Gauge(
            "gridtrail_work_last_done_timestamp_seconds",
            "When it last did its work.",
            ["work"],
            registry=self._registry,
        )

    def _make_notify(self) -> None:
        kinds = {
            "waiting": "Messages that wait.",
            "oldest_waiting_seconds": "How long the oldest of them waits.",
            "dead": "Messages that were given up.",
            "failures": "Attempts that failed in a row.",
        }
        self._notify = {
            name: Gauge(f"gridtrail_notify_{name}", text, ["channel"], registry=self._registry)
            for name, text in kinds.items()
        }

    def _set_notify(self, work: Work) -> None:
        for one in work.notified.facts if work.notified is not None else ():
            waited = 0.0 if one.oldest is None else max(0.0, time.time() - one.oldest)
            values = {"waiting": one.waiting, "dead": one.dead, "failures": one.failures}
            for name, value in (values | {"oldest_waiting_seconds": waited}).items():
                self._notify[name].labels(one.channel).set(value)

    def text(self, facts: LakeFacts, collectors: Sequence[Coverage] = ()) -> bytes:
        """All of them in Prometheus' text format, with lake and collectors as they are now."""
        for one in collectors:
            # names of organizations and actions are the settings', not a stranger's
            labels = (one.org, ",".join(one.actions) or "all")
            self._complete.labels(*labels).set(one.complete_to or 0)
            self._gaps.labels(*labels).set(len(one.gaps))
            self._late.labels(*labels).set(one.late_events)
            self._latest.labels(*labels).set(one.max_lateness)
            self._working.labels(*labels).set(one.state == "working")
        if self._work is not None and self._work.forwarded is not None:
            self._forward.set(self._work.forwarded.fares)
        if self._work is not None:
            self._set_notify(self._work)
            both = {
                "collector": self._work.collecting,
                "detection": self._work.detecting,
                "notifications": self._work.notifying,
                "response": self._work.responding,
            }
            for name, status in both.items():
                self._process.labels(name).set(status.state == "failing")
                self._done.labels(name).set(status.last_done or 0)
        self._rows.set(facts.rows)
        self._files.set(facts.files)
        self._version.set(facts.version)
        self._quarantined.set(facts.quarantined)
        self._newest.set(facts.newest or 0)
        self._committed.set(facts.committed or 0)
        self._lag.set(max(0.0, time.time() - facts.newest) if facts.newest else 0)
        return generate_latest(self._registry)
