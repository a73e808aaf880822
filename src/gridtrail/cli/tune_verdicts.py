"""`gridtrail tune --from-verdicts`: what the verdicts so far would have the settings say."""

from __future__ import annotations

import time

from gridtrail.cli.context import Session
from gridtrail.cli.output import Format, print_json
from gridtrail.cli.page import Page
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted


def propose(run: Session, org: str | None, output: Format) -> None:
    """Print the proposals; nothing is applied."""
    from gridtrail.triage.store import FindingStore
    from gridtrail.triage.verdicts import from_verdicts

    with FindingStore(run.settings.state) as store:
        found = from_verdicts(store, run.lake, run.settings, org=org, now=int(time.time()))
    if output is not Format.table:
        print_json([one.to_json() for one in found])
        return
    page = Page()
    for one in found:
        page.heading(one.words)
        harmless = counted(len(one.findings), "finding")
        page.item("-", f"would have kept quiet {counted(one.anomalies, 'anomaly', 'anomalies')}")
        page.item("-", f"{harmless} that turned out harmless; {len(one.silenced)} whole findings")
        if one.true_positives:
            page.item("!", f"hides true positives: {', '.join(one.true_positives)}")
        for line in one.toml.splitlines():
            page.paragraph(line, indent="    ")
    page.print()
    if found:
        say(
            "Nothing was changed: put what you agree with into gridtrail.toml; take it out to undo."
        )
    else:
        say("No proposals: give verdicts with gridtrail finding ID --verdict first.")
