"""user_agent: a person's session goes on with a client that does not follow from the one before.

Three changes are odd, each with a rate learned per organization (`gridtrail.detect.novelty`):

- another client inside one session, where one session is one device;
- the same client on another system inside one session;
- an older version than this person had, older than anything in common use. Versions only go up,
  yet roll-outs are slow and roll-backs happen: what three people used within 45 days is common,
  and what three people take up within two days is a roll-back, not an anomaly.

Clients that people do not use at all are `unexpected_user_agent`'s, forged ones are
`spoofed_user_agent`'s. The client grammar is `gridtrail.enrich.clients`. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from gridtrail.detect.client_history import COMMON_PEOPLE, HISTORY, OWN, PROFILES, STEPS, TENURED
from gridtrail.detect.contract import Step
from gridtrail.detect.novelty import Novelty
from gridtrail.detect.novelty_detector import NoveltyDetector, Told

PRIORS = {
    "client_changed": 1e-4,
    "system_changed": 1e-4,
    "version_downgrade": 1e-4,
    "version_return": 2e-3,
}
"""Person-days that show each, before anything is learned. Changes inside a session should not
happen at all (SCIENCE B.1 gives 1e-5 for them; ten times that allows for faults of our own
reading). A version that three people once had may come back: a restored image, an old laptop."""

CHANGE_DETAILS = {
    "client_changed": "client-changed",
    "system_changed": "os-changed",
    "version_downgrade": "version-downgrade",
    "version_return": "version-downgrade",
}
"""Values for `user_agent_change_details`; Slack's own are not published (slack/api.md 3.1)."""


def _changes() -> ir.Table:
    rows = HISTORY.table
    category = ibis.cases(
        (rows.changed & rows.had.startswith(rows.family + "|"), "system_changed"),
        (rows.changed, "client_changed"),
        (rows.downgrade & (rows.people_ever >= COMMON_PEOPLE), "version_return"),
        (rows.downgrade, "version_downgrade"),
    )
    marked = rows.mutate(category=category)
    return marked.filter(marked.category.notnull())


CHANGES = Step("user_agent_changes", _changes())
NOVELTY = Novelty(
    "user_agent",
    firsts=CHANGES.table.semi_join(TENURED, "subject"),
    exposed=OWN.semi_join(TENURED, "subject"),
    priors=PRIORS,
)


@dataclass(frozen=True, kw_only=True)
class UserAgent(NoveltyDetector):
    """A change of client that is odd for this person's session."""

    def told(self, row: Mapping[str, Any]) -> Told:
        """What the session had, what it shows now, and who else uses that."""
        client = " ".join(part for part in (row["family"], row["client_version"]) if part)
        had = " on ".join(part for part in (row["had"] or "").split("|")[:2] if part)
        told = {
            "client_changed": f"the session of {had} went over to {client} on {row['os']}",
            "system_changed": f"the session of {had} went over to {row['os']}",
        }.get(
            row["category"],
            f"{client} is older than what this person had and than anything in common use",
        )
        return Told(
            reasons=("user_agent",),
            words=f"In the person's own session: {told}; {row['people_with_client']} people of the "
            "organization used this client in 30 days",
            observed={
                "client": row["family"] or "",
                "client_kind": row["client_kind"] or "",
                "version": row["client_version"] or "",
                "system": row["os"] or "",
                "client_before": had,
            },
            usual={
                "people_with_this_client": row["people_with_client"],
                "people_with_this_version": row["people_ever"],
            },
            repeat_key=f"{row['category']} {row['family']} {row['os']}",
            silent_if="two more people who take up this version within two days, "
            "or an allow-list entry",
            details={"user_agent_change_details": [CHANGE_DETAILS[row["category"]]]},
        )


DETECTOR = UserAgent(
    name="user_agent",
    version=2,
    reasons=("user_agent",),
    share=0.075,
    novelty=NOVELTY,
    firsts=CHANGES.table,
    profiles=(*PROFILES, NOVELTY.profile),
    steps=(*STEPS, CHANGES),
)
