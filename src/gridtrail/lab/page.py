"""The quality table as a page of documentation, with what it does not prove."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gridtrail.lab.fitting import FITTING
from gridtrail.lab.quality import Quality
from gridtrail.lab.sections import Section, sections

_LIMITS = """\
* The organizations are simulated, by the same project. Counts are drawn from none of the families
  that detectors assume, and people, networks, clients and traps follow measured facts where there
  are any ([sandbox.md](sandbox.md)); but real organizations are odder. Simulated people are more
  regular from day to day than real ones (variance over mean 7 to 8, real 12.5), so that detectors
  of volume have fewer false alarms here than in life.
* An attack by the book is not an adversary who knows the rules. The perfect mimic is missed, and
  whoever stays within a person's own habits is missed as well: that is no fault that a threshold
  could mend.
* Attacks are as dense here as nowhere (two of nearly every kind in some weeks), which flatters
  precision; rates of ordinary life leave them out.
* What is planted in one organization is not independent: intervals of totals are taken over
  organizations, those of single attacks (Wilson) are not, and with few of a kind they are wide.
  Read the interval, not the share.
* Nothing is said here of Slack's own detection, whose rules are not public.
* On your own log there are no labels: `gridtrail calibrate` shows the part of this table that
  needs none."""

_FITTING = (
    "An attack counts as raised when any of these was said of it. The mimic has none to find: "
    "those are what it could have had."
)


def page(found: Quality, command: str) -> str:
    """The Markdown of docs/quality.md; `command` makes it again."""
    lines = [
        "# How good the detection is",
        "",
        "Measured on simulated organizations, with default settings, by this command:",
        "",
        "```sh",
        command,
        "```",
        "",
        _measured(found),
        "",
        "## What this does not prove",
        "",
        _LIMITS,
        "",
    ]
    for part in sections(found):
        lines += [f"## {part.title}", "", part.words, "", *_table(part), ""]
    return "\n".join([*lines, *_fitting(), ""])


def _measured(found: Quality) -> str:
    return (
        f"{found.organizations} organizations, {found.people:,} people, {found.events:,} events, "
        f"{found.user_days:,} user-days after a warm-up of two weeks. Some hold every kind of "
        "attack and harmless story of the sandbox, others nothing but ordinary life."
    )


def _table(part: Section) -> Iterable[str]:
    if not part.lines:
        yield "None."
        return
    yield _row(part.columns)
    yield _row(["---"] * len(part.columns))
    for line in part.lines:
        yield _row(line.shown)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _fitting() -> list[str]:
    rows = [
        _row([kind, ", ".join(f"`{reason}`" for reason in sorted(reasons))])
        for kind, reasons in sorted(FITTING.items())
    ]
    return [
        "## Which reasons fit which attack",
        "",
        _FITTING,
        "",
        _row(["attack", "fitting reasons"]),
        _row(["---", "---"]),
        *rows,
    ]
