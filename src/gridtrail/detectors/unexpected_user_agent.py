"""unexpected_user_agent: a person's own session is used by a client that people do not use.

Listing what is expected is far easier than listing everything that is not: Slack's own clients,
common browsers, the families of the setting `enrich.expected_clients`, what this person used on
two days before, and any client but a tool that five people of the organization use. All else is
unexpected: a tool or library (`gridtrail.enrich.tools`), an unusual browser, a name nobody knows.
Always with `user_agent`, in one anomaly event. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from gridtrail.detect.client_history import HISTORY, OWN, PROFILES, STEPS, TENURED
from gridtrail.detect.contract import Step
from gridtrail.detect.novelty import Novelty
from gridtrail.detect.novelty_detector import NoveltyDetector, Told

PRIORS = {
    "tool": 2e-4,
    "tool_in_session": 2e-5,
    "unknown": 1e-4,
    "unknown_in_session": 1e-5,
    "browser": 4e-4,
    "browser_in_session": 1e-4,
}
"""Person-days that show each, before anything is learned: tools in a person's own session are rare
by design of Slack's clients, and a session that another client began is one device's."""

ABSOLUTE = frozenset(PRIORS) - {"browser", "browser_in_session"}
"""Said whatever the budget (SCIENCE B.1: fixed, high), until the organization shows that it is
ordinary there. Unusual browsers are within the budget."""


def _unexpected() -> ir.Table:
    rows = HISTORY.table
    rows = rows.filter(rows.unexpected & (rows.client_kind != "none"))
    kind = ibis.cases(
        (rows.automated, "tool"), (rows.client_kind == "web", "browser"), else_="unknown"
    )
    return rows.mutate(category=kind + ibis.ifelse(rows.moved, "_in_session", ""))


UNEXPECTED = Step("unexpected_clients", _unexpected())
NOVELTY = Novelty(
    "unexpected_user_agent",
    firsts=UNEXPECTED.table.semi_join(TENURED, "subject"),
    exposed=OWN.semi_join(TENURED, "subject"),
    priors=PRIORS,
)


@dataclass(frozen=True, kw_only=True)
class UnexpectedUserAgent(NoveltyDetector):
    """A client that people of the organization are not expected to use."""

    def told(self, row: Mapping[str, Any]) -> Told:
        """What the client is, and what the session had before."""
        client = " ".join(part for part in (row["family"], row["client_version"]) if part)
        had = " on ".join(part for part in (row["had"] or "").split("|")[:2] if part)
        what = {
            "tool": "is a tool, not a client that people use",
            "browser": "is not among the browsers that are expected here",
            "unknown": "is no known client",
        }[row["category"].partition("_")[0]]
        session = f", in a session of {had}" if row["moved"] else ""
        return Told(
            reasons=("unexpected_user_agent", "user_agent"),
            words=f"In the person's own session: {client} {what}{session}; "
            f"{row['people_with_client']} people of the organization used it in 30 days",
            observed={
                "client": row["family"] or "",
                "client_kind": row["client_kind"] or "",
                "version": row["client_version"] or "",
                "system": row["os"] or "",
                "client_before": had,
            },
            usual={"people_with_this_client": row["people_with_client"]},
            repeat_key=f"{row['family']}",
            silent_if="this client on the list of expected clients, or an allow-list entry",
            details={"user_agent_change_details": ["client-changed"] if row["moved"] else []},
        )


DETECTOR = UnexpectedUserAgent(
    name="unexpected_user_agent",
    version=1,
    reasons=("unexpected_user_agent", "user_agent"),
    share=0.075,
    novelty=NOVELTY,
    firsts=UNEXPECTED.table,
    profiles=(*PROFILES, NOVELTY.profile),
    steps=(*STEPS, UNEXPECTED),
    absolute=ABSOLUTE,
)
