"""`gridtrail tune --from-verdicts`: what the verdicts so far would have the allow list and the
thresholds say."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridtrail.cli.context import Session
from gridtrail.cli.output import Format, print_json
from gridtrail.cli.page import Page
from gridtrail.cli.signout import confirmed
from gridtrail.cli.talk import progress, say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.respond.allow_list import StoredEntry
    from gridtrail.triage.verdicts import Proposal

ALL = "all"
ORIGIN = "from verdicts: "
"""How the names of entries begin that were applied here."""


def propose(run: Session, org: str | None, output: Format) -> None:
    """Print the proposals; nothing is applied."""
    found = _proposals(run, org)
    if output is not Format.table:
        print_json([one.to_json() for one in found])
        return
    page = Page()
    for one in found:
        page.heading(f"{one.id}  {one.words}")
        harmless = counted(len(one.findings), "finding")
        page.item("-", f"would have kept quiet {counted(one.anomalies, 'anomaly', 'anomalies')}")
        page.item("-", f"{harmless} that turned out harmless; {len(one.silenced)} whole findings")
        if one.true_positives:
            page.item("!", f"hides true positives: {', '.join(one.true_positives)}")
        for line in one.toml.splitlines():
            page.paragraph(line, indent="    ")
    page.print()
    if found:
        say("Nothing was changed: --apply ID puts one in force, --revert ID takes it back.")
    else:
        say("No proposals: give verdicts with gridtrail finding ID --verdict first.")


def apply(
    run: Session, org: str | None, wanted: Sequence[str], start: str | None, *, yes: bool
) -> None:
    """Put the proposals with these ids in force; `all` are those that hide nothing true.

    Entries of the allow list hold at once, thresholds from tomorrow on or the day `start`. Raises
    WrongUse for an id that is none.
    """
    found = _proposals(run, org)
    chosen = _chosen(found, wanted)
    for one in chosen:
        say(f"{one.id}  {one.words}")
        if one.true_positives:
            say(f"  It hides true positives: {', '.join(one.true_positives)}.", style="red")
    if not chosen:
        say("No proposal hides nothing true: name one by its id.")
        return
    confirmed(f"Put {counted(len(chosen), 'proposal')} in force.", yes)
    for one in chosen:
        if one.threshold:
            _set_threshold(run, one, start)
        else:
            _apply(run, one)


def revert(run: Session, wanted: Sequence[str], start: str | None) -> None:
    """End what `apply` made of the proposals with these ids, `all` for every one: entries now,
    thresholds from tomorrow on or the day `start`.

    Raises WrongUse for an id of which there is nothing.
    """
    for asked in wanted:
        found = _end_thresholds(run, asked, start) + _end_entries(run, asked)
        if not found and asked != ALL:
            raise WrongUse(
                f"Nothing that holds was applied from {asked[:40]!r}: see gridtrail allow list "
                "and gridtrail thresholds list."
            )


def _end_thresholds(run: Session, asked: str, start: str | None) -> int:
    from gridtrail.cli import thresholds
    from gridtrail.respond.thresholds import ThresholdStore

    with ThresholdStore(run.settings.state) as kept:
        mine = [one for one in kept.all() if one.open and one.origin.startswith(ORIGIN)]
    mine = [one for one in mine if asked in (ALL, one.id, one.origin[len(ORIGIN) :])]
    for one in mine:
        thresholds.take_back(run, one.id, start=start, org=one.org)
    return len(mine)


def _end_entries(run: Session, asked: str) -> int:
    from gridtrail.respond.allow_list import AllowList

    with AllowList(run.settings.state) as kept:
        active = [one for one in kept.all() if one.name.startswith(ORIGIN)]
        active = [one for one in active if one.state(time.time()) in ("active", "later")]
        mine = [one for one in active if asked in (ALL, one.id, one.name[len(ORIGIN) :][:8])]
        for one in mine:
            ended = kept.remove(one.id, getpass.getuser())
            _record(run, "gridtrail_allow_entry_removed", ended)
            say(f"{ended.words} is no longer allowed.")
    return len(mine)


def _proposals(run: Session, org: str | None) -> list[Proposal]:
    from gridtrail.triage.store import FindingStore
    from gridtrail.triage.verdicts import from_verdicts

    with FindingStore(run.settings.state) as store:
        found = from_verdicts(store, run.lake, run.settings, org=org, now=int(time.time()))
    return _with_thresholds(run, found)


def _with_thresholds(run: Session, found: Sequence[Proposal]) -> list[Proposal]:
    """The proposals, those for stricter thresholds with the number that brings it about; without
    those for which there is none."""
    from gridtrail.detectors import all_detectors
    from gridtrail.lab.stricter import tried
    from gridtrail.respond.thresholds import changes

    if not any(one.wish for one in found):
        return list(found)
    with progress("Trying stricter thresholds", "day") as steps:
        ready = [
            tried(
                run.lake, run.engine, run.settings, one, detectors=all_detectors(),
                changes=changes(run.settings.state),
                on_progress=lambda text, done, days: steps.step(
                    done, done / max(days, 1), note=text
                ),
            )
            for one in found
        ]  # fmt: skip
    for wished, one in zip(found, ready, strict=True):
        if one is None and wished.wish is not None:
            say(
                f"No stricter threshold for {wished.wish.detector} would have spared you more, "
                "or only with the loss of true positives."
            )
    return [one for one in ready if one is not None]


def _chosen(found: Sequence[Proposal], wanted: Sequence[str]) -> list[Proposal]:
    by_id = {one.id: one for one in found}
    if ALL in wanted:
        return [one for one in found if not one.true_positives]
    for asked in wanted:
        if asked not in by_id:
            raise WrongUse(
                f"There is no proposal {asked[:40]!r}: gridtrail tune --from-verdicts lists them."
            )
    return [by_id[asked] for asked in dict.fromkeys(wanted)]


def _set_threshold(run: Session, proposal: Proposal, start: str | None) -> None:
    from gridtrail.cli import thresholds

    made = proposal.threshold
    thresholds.put_in_force(
        run,
        made["detector"],
        made["per_1000_users_day"],
        f"verdicts on {', '.join(proposal.findings)}",
        start=start,
        org=made["org"],
        origin=f"{ORIGIN}{proposal.id}",
    )


def _apply(run: Session, proposal: Proposal) -> None:
    from gridtrail.respond.allow_list import AllowList, draft
    from gridtrail.triage.verdicts import EXPIRES_DAYS

    now = int(time.time())
    made, _ = draft(
        owner=getpass.getuser(),
        reason=f"verdicts on {', '.join(proposal.findings)}",
        now=now,
        name=f"{ORIGIN}{proposal.id}",
        since=now,
        expires_at=now + EXPIRES_DAYS * 86_400,
        **proposal.entry,
    )
    with AllowList(run.settings.state) as kept:
        kept.add(made)
    _record(run, "gridtrail_allow_entry_added", made)
    say(f"{made.words} is allowed for {EXPIRES_DAYS} days: entry {made.id}.")


def _record(run: Session, action: str, one: StoredEntry) -> None:
    from gridtrail.respond.trail import Doer, Trail

    with Trail(run.settings.state) as trail:
        entity = ("allow_entry", one.id, one.name)
        details = {"allows": one.words, "owner": one.owner, "reason": one.reason}
        trail.put(run.settings.org, action, Doer.here(), entity, details)
