"""A finding's own trail: who decided, noted, asked and allowed what because of it, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import SOURCE
from gridtrail.server.console.deciding import finding_of
from gridtrail.server.console.listing import select
from gridtrail.server.console.reading import details_of
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit
from gridtrail.triage.finding import Finding

_MOST = 100
_BACK_DAYS = 90
_COLUMNS = "id, date_create, action, actor_name, actor_email, entity_id, entity_name, details"
_WORDS = {
    "gridtrail_finding_decided": "decided",
    "gridtrail_finding_assigned": "gave it to",
    "gridtrail_finding_noted": "kept a note",
    "gridtrail_sign_out_requested": "asked to sign out",
    "gridtrail_sign_out_done": "signed out",
    "gridtrail_sign_out_failed": "could not sign out",
    "gridtrail_sign_out_unclear": "does not know whether Slack signed out",
    "gridtrail_sign_out_approved": "approved signing out",
    "gridtrail_sign_out_refused": "refused to sign out",
    "gridtrail_allow_entry_added": "allowed",
}
_ABOUT = "action LIKE 'gridtrail%' AND (entity_id = ? OR contains(details, ?))"


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody did something because of the finding."""

    at: int
    who: str
    words: str
    more: str


@dataclass(frozen=True, slots=True)
class TrailPart:
    """The steps, oldest first."""

    template: ClassVar[str] = "finding_trail.html"

    steps: Sequence[Step]


async def show(visit: Visit) -> Response:
    """The piece of the finding's page."""
    finding = await finding_of(visit)
    waiting = await visit.state(visit.parts.trail.waiting, finding.org)
    kept = await visit.lake(lambda lake: _kept(lake, finding))
    rows = {row["id"]: row for row in [*kept, *waiting] if _is_about(row, finding.id)}
    ordered = sorted(rows.values(), key=lambda row: (row["date_create"], row["id"]))
    return visit.page(TrailPart([step_of(row) for row in ordered]))


def _kept(lake: Lake, finding: Finding) -> list[dict[str, Any]]:
    oldest = min(finding.first_seen, int(time.time()) - _BACK_DAYS * DAY)
    mention = f'"finding":"{finding.id}"'
    wanted = Selection(
        EventFilter(org=finding.org, source=SOURCE, oldest=oldest),
        more=(_ABOUT, (finding.id, mention)),
    )
    return select(lake, wanted, _COLUMNS, f"ORDER BY date_create, id LIMIT {_MOST}")


def _is_about(row: Mapping[str, Any], finding_id: str) -> bool:
    mentions = details_of(row["details"]).get("finding") == finding_id
    return row["entity_id"] == finding_id or mentions


def step_of(row: Mapping[str, Any]) -> Step:
    """An event of the trail in words."""
    details, action = details_of(row["details"]), row["action"]
    words = _WORDS.get(action, action.removeprefix("gridtrail_").replace("_", " "))
    more = ""
    if action == "gridtrail_finding_decided":
        said = [details.get("verdict"), details.get("status"), details.get("reason")]
        more = ", ".join(str(one).replace("_", " ") for one in said if one)
    elif action == "gridtrail_finding_assigned":
        more = str(details.get("assignee", ""))
    elif not action.startswith("gridtrail_finding"):
        said = [row["entity_name"] or row["entity_id"], details.get("said"), details.get("reason")]
        more = ": ".join(str(one) for one in said if one)
    return Step(row["date_create"], row["actor_name"] or row["actor_email"] or "", words, more)
