"""What a log's health means, in sentences: silence is never mistaken for peace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gridtrail.server.console.health_facts import Health
from gridtrail.server.console.text import counted
from gridtrail.server.console.times import DAY, lasted, said
from gridtrail.server.work import Work, WorkStatus

OLD_DAYS = 45
"""After so many days without a change a list of addresses is called old."""

_QUIET = 6 * 3600
_BEHIND = 3600


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know: a `problem` wants somebody to act, a `note` says what cannot be seen."""

    state: Literal["problem", "note"]
    text: str


def remarks(health: Health, work: Work | None) -> list[Remark]:
    """All that is wrong or unseen, problems first."""
    found = [
        *_events(health),
        *_collectors(health, work),
        *_detection(health, work),
        *_forwarding(work),
        *_files(health),
        *_sources(health),
    ]
    return sorted(found, key=lambda one: one.state != "problem")


def _events(health: Health) -> Iterator[Remark]:
    events = health.events
    if events.last is None:
        yield Remark("problem", "There is no event of this organization: nothing can be found.")
        return
    silent = health.now - events.last
    if silent > _QUIET:
        yield Remark(
            "problem" if silent > DAY else "note",
            f"The newest event is {lasted(silent)} old. That nothing is found since says nothing.",
        )
    for gap in events.gaps[-5:]:
        yield Remark(
            "problem",
            f"No event from {said(gap.first)} to {said(gap.last)}, where about {gap.usual:,} are "
            "usual: collect that time again.",
        )
    if len(events.gaps) > 5:
        yield Remark("problem", f"There are {len(events.gaps) - 5} older gaps.")
    if health.quarantine.total:
        yield Remark(
            "note",
            f"{counted(health.quarantine.total, 'record')} could not become events and wait in "
            "the quarantine.",
        )


def _collectors(health: Health, work: Work | None) -> Iterator[Remark]:
    if work is not None and work.collecting.state == "failing":
        yield Remark("problem", f"The collector of this server fails: {_why(work.collecting)}")
    collecting = work is not None and work.collecting.state != "off"
    if not health.coverages:
        text = "No collector ever ran for this organization: how complete the log is, is not known."
        yield Remark("note", text)
        return
    if not collecting:
        text = "This server does not collect; what follows is what the last collector left."
        yield Remark("note", text)
    for one in health.coverages:
        what = f"The collector{' of ' + ', '.join(one.actions) if one.actions else ''}"
        if one.state != "working":
            yield Remark("problem", f"{what} is {one.state}: {one.why or 'it did not say why'}.")
        elif one.complete_to is not None and health.now - one.complete_to > _BEHIND:
            behind = lasted(health.now - one.complete_to)
            yield Remark("problem", f"{what} has read nothing for {behind}: is it running?")
        for gap in one.gaps:
            yield Remark("note", f"{what} has not read {said(gap.first)} to {said(gap.last)} yet.")
        if one.refused_actions:
            names = ", ".join(one.refused_actions)
            yield Remark("note", f"{what} cannot have {names}: they are never in this log.")


def _detection(health: Health, work: Work | None) -> Iterator[Remark]:
    if work is not None and work.detecting.state == "failing":
        yield Remark("problem", f"Detection on this server fails: {_why(work.detecting)}")
    if work is not None and work.responding.state == "failing":
        yield Remark("problem", f"The automatic response does not act: {_why(work.responding)}")
    if health.decided_to is None:
        yield Remark("problem", "Detection never ran for this organization: nothing was looked at.")
        return
    last = health.events.last
    if last is not None and last - health.decided_to > _BEHIND:
        yield Remark(
            "problem",
            f"Detection is {lasted(last - health.decided_to)} behind the newest event.",
        )
    if failed := health.states.get("failed"):
        yield Remark("problem", f"{counted(failed, 'detector')} failed and raise nothing.")
    if blind := health.states.get("blind"):
        yield Remark("note", f"{counted(blind, 'detector is', 'detectors are')} blind.")
    if learning := health.states.get("learning"):
        yield Remark("note", f"{counted(learning, 'detector is', 'detectors are')} learning.")
    if health.rules_to is None:
        yield Remark("note", "Rules never ran for this organization.")
    elif last is not None and last - health.rules_to > _BEHIND:
        yield Remark("problem", f"Rules are {lasted(last - health.rules_to)} behind.")


def _forwarding(work: Work | None) -> Iterator[Remark]:
    for name, status in {} if work is None else work.forwarding.items():
        if status.state == "failing":
            yield Remark("problem", f"The target {name} gets nothing now: {_why(status)}")


def _files(health: Health) -> Iterator[Remark]:
    for what, names in (
        ("are missing", health.files_missing),
        ("have another size than was written", health.files_wrong),
        ("cannot be read", health.files_damaged),
    ):
        if names:
            listed = ", ".join(names[:3])
            text = f"Of the files of the lake {len(names):,} {what} ({listed}): run "
            yield Remark("problem", text + "gridtrail verify and restore them from a copy.")


def _sources(health: Health) -> Iterator[Remark]:
    for one in health.sources:
        if one.age is None:
            yield Remark("problem", f"{one.path} ({one.setting}) cannot be read.")
        elif one.age > OLD_DAYS * DAY:
            yield Remark("note", f"{one.path} ({one.setting}) is {lasted(one.age)} old.")


def _why(status: WorkStatus) -> str:
    return status.why or "see the server's log."
