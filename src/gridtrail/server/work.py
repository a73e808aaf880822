"""What goes on behind the doors: the collector and detection, beside the server in one process.

Two threads, each with an engine session of its own: one follows the organizations of the settings,
one decides what is new, runs the rules, makes findings and responds to them. Failing is loud: it is
logged, counted in the metrics, shown by `status`, and tried again; the server goes on answering.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import structlog

from gridtrail.collect.slack_api.lanes import Told
from gridtrail.collect.slack_api.running import Surroundings, collect
from gridtrail.collect.slack_api.sources import sources
from gridtrail.detect import plugins
from gridtrail.detect.nominal import check_budgets
from gridtrail.detect.run import detect
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import GridtrailError
from gridtrail.lake.lake import Lake
from gridtrail.lake.only_one import only_one
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.respond.allow_list import entries
from gridtrail.respond.causes import check_patterns
from gridtrail.respond.thresholds import changes
from gridtrail.rules.rule import Problem
from gridtrail.rules.run import run_rules
from gridtrail.server.forwarding import Forwarding
from gridtrail.server.notifying import Notifying
from gridtrail.server.responding import Responding
from gridtrail.settings import Settings
from gridtrail.settings_forward import ForwardSettings
from gridtrail.triage.run import triage

State = Literal["off", "starting", "working", "failing"]

_BUSY = "Another process detects in this directory: wait for it, or stop it."
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0

log = structlog.get_logger("gridtrail.work")


class _Stopped(Exception):
    """The server ends while a run is at work; what it had not published is done again later."""


@dataclass
class WorkStatus:
    """How one of the two fares; times are seconds since the epoch."""

    state: State = "off"
    why: str = ""
    since: float = 0.0
    last_done: float | None = None

    def now(self, state: State, why: str = "") -> None:
        """It fares like this from now on; `since` moves when the state changes."""
        if state != self.state:
            self.since = time.time()
        if state == "working":
            self.last_done = time.time()
        self.state, self.why = state, why


@dataclass
class Work:
    """Collector and detection of one server; `start` and `stop` them once."""

    settings: Settings
    collecting: WorkStatus = field(default_factory=WorkStatus)
    detecting: WorkStatus = field(default_factory=WorkStatus)
    responding: WorkStatus = field(default_factory=WorkStatus)
    notifying: WorkStatus = field(default_factory=WorkStatus)
    notified: Notifying | None = None
    forwarding: dict[str, WorkStatus] = field(default_factory=dict)  # by name of the target
    forwarded: Forwarding | None = None
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _told_problems: set[Problem] = field(default_factory=set)
    _cancel: Callable[[], object] | None = None

    def start(self) -> None:
        """Begin what the settings want: `server.collect` and `server.detect_seconds`.

        Nothing is collected without a token or an address of one's own in `[collect]`. Raises
        BadSettings for a source that cannot be collected from, for a rule of the automatic
        response that cannot be, and for a number for what is no detector.
        """
        check_patterns(self.settings.respond.automatic)
        settings = self.settings.detect
        if settings.budgets:
            loaded = plugins.load(all_detectors(), settings.plugins, base=self.settings.data)
            if not loaded.failed:
                check_budgets(settings.budgets, loaded.detectors)
        wanted = self.settings.collect
        has_source = bool(wanted.sources or wanted.token) or "base_url" in wanted.model_fields_set
        if self.settings.server.collect and has_source:
            self._run("collector", self._collect, self.collecting)
        if self.settings.server.detect_seconds:
            self._run("detection", self._detect, self.detecting)
        if self.settings.notify.channels:
            self._run("notifications", self._notify, self.notifying)
        self.forward(self.settings.forward)

    def forward(self, targets: Sequence[ForwardSettings]) -> None:
        """Begin to send on to `targets`, each in a thread of its own."""
        self.forwarded = forwarded = Forwarding(self.settings, self._ending)
        for target in targets:
            status = self.forwarding[target.name] = WorkStatus()
            failed = partial(status.now, "failing")
            worked = partial(status.now, "working")
            send = partial(forwarded.run, target=target, worked=worked, failed=failed)
            self._run(f"forward-{target.name}", send, status)

    def stop(self) -> None:
        """End both, after the commit that was begun."""
        self._ending.set()
        cancel = self._cancel
        if cancel is not None:
            with suppress(RuntimeError):  # collecting has just ended by itself
                cancel()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, work: Callable[[Lake, DuckDB], None], status: WorkStatus) -> None:
        def body() -> None:
            pause = _FIRST_PAUSE
            while not self._ending.is_set():
                began = time.monotonic()
                try:
                    with self._session(name) as (lake, engine):
                        work(lake, engine)
                except _Stopped:
                    return
                except Exception as error:  # whatever it is: loud, and tried again
                    expected = isinstance(error, GridtrailError)
                    status.now("failing", str(error) if expected else type(error).__name__)
                    log.exception(f"{name} failed", reason=str(error), exc_info=not expected)
                if time.monotonic() - began > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                self._ending.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

        status.now("starting")
        thread = threading.Thread(target=body, name=name)
        self._threads.append(thread)
        thread.start()

    @contextmanager
    def _session(self, name: str) -> Iterator[tuple[Lake, DuckDB]]:
        settings = self.settings
        spill = settings.data / "spill" / f"{name}-{threading.get_ident()}"
        spill.parent.mkdir(parents=True, exist_ok=True)
        engine = DuckDB(threads=settings.threads, memory_limit=settings.memory_limit, spill=spill)
        try:
            yield Lake(settings.data / "lake", engine), engine
        finally:
            engine.close()

    # collecting -----------------------------------------------------------------------------

    def _collect(self, lake: Lake, engine: DuckDB) -> None:
        loop = asyncio.new_event_loop()
        try:
            task = loop.create_task(
                collect(
                    sources(self.settings),
                    lake,
                    engine,
                    once=False,
                    patient=True,
                    surroundings=Surroundings(
                        tell=self._told,
                        max_record_bytes=self.settings.imports.max_record_bytes,
                    ),
                )
            )
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            if self._ending.is_set():
                task.cancel()
            results = loop.run_until_complete(task)
            errors = [one.error for one in results if one.error is not None]
            if errors:
                raise errors[0]
        except asyncio.CancelledError:
            raise _Stopped from None
        finally:
            self._cancel = None
            loop.close()

    def _told(self, told: Told) -> None:
        failing = told.health in ("failing", "refused")
        if told.health != "note":
            self.collecting.now("failing" if failing else "working", told.message)
        levels = {"failing": log.error, "refused": log.error, "note": log.warning}
        levels.get(told.health, log.info)(told.message, org=told.org, health=told.health)

    # telling --------------------------------------------------------------------------------

    def _notify(self, lake: Lake, _engine: DuckDB) -> None:
        def parts() -> dict[str, WorkStatus]:
            found = {**vars(self), **getattr(self, "forwarding", {})}
            return {
                name: one
                for name, one in found.items()
                if isinstance(one, WorkStatus) and one.state != "off"
            }

        self.notified = Notifying(self.settings, self._ending)
        self.notified.run(lake, parts, lambda: self.notifying.now("working"))
        raise _Stopped

    # detecting ------------------------------------------------------------------------------

    def _detect(self, lake: Lake, engine: DuckDB) -> None:
        settled = self.settings.detect.settle_seconds + 2 * self.settings.server.detect_seconds
        seen, changed, responding = -1, time.monotonic(), Responding(lake, self.settings)
        while not self._ending.is_set():
            events = lake.log(EVENTS_TABLE)
            events.refresh()
            if events.version != seen:
                seen, changed = events.version, time.monotonic()
            # the newest events wait for the settle lag, so it looks again for a while
            if seen >= 0 and time.monotonic() - changed <= settled:
                self._catch_up(lake, engine)
            self.responding.now(*responding.look())
            self.detecting.now("working")
            self._ending.wait(self.settings.server.detect_seconds)
        raise _Stopped

    def _catch_up(self, lake: Lake, engine: DuckDB) -> None:
        with only_one(lake.home, "detect", _BUSY):
            report = detect(
                lake,
                engine,
                self.settings,
                detectors=all_detectors(),
                allow=entries(self.settings.state),
                changes=changes(self.settings.state),
                on_progress=lambda _text, _done, _all: self._go_on(),
            )
            hits = run_rules(
                lake,
                engine,
                self.settings,
                on_progress=lambda _text, _done, _all: self._go_on(),
            )
            for problem in set(hits.problems) - self._told_problems:
                log.error("rule cannot run", problem=str(problem))
            self._told_problems |= set(hits.problems)
            if report.stored or hits.new or self.detecting.last_done is None:
                found = triage(lake, engine, self.settings)
                log.info(
                    "detected",
                    anomalies=report.stored,
                    rule_hits=len(hits.new),
                    findings=len(found),
                )

    def _go_on(self) -> None:
        if self._ending.is_set():
            raise _Stopped
