"""What people decide about a finding: status, verdict with its reason, who looks after it, notes.

The same form works on the finding's own page and in the list.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.respond.trail import FINDING_ASSIGNED, FINDING_DECIDED, FINDING_NOTED
from gridtrail.server.console.findings import list_of, listed_filters
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit
from gridtrail.server.roles import DECIDE, permits
from gridtrail.triage.finding import Finding

_LONGEST_NOTE = 10_000
_LONGEST_REASON = 1_000
ME, NOBODY = "me", "nobody"
"""What `assign` may say besides an e-mail address."""


async def finding_of(visit: Visit) -> Finding:
    """The finding that the path names. Raises NotHere."""
    wanted = visit.request.path_params["finding_id"]
    try:
        return await visit.state(visit.parts.findings.get, wanted)
    except WrongUse:
        raise NotHere(f"There is no finding {shortened(wanted, 40)}: look at the list.") from None


async def decide(visit: Visit) -> Response:
    """Do what the form of the finding's page says; then the page again."""
    finding = await finding_of(visit)
    await _done(visit, finding)
    return visit.go(visit.link(f"/findings/{finding.id}"))


async def triage(visit: Visit) -> Response:
    """Do what the form in the list says; then the list again."""
    await _done(visit, await finding_of(visit))
    if visit.partial:
        return await list_of(visit)
    return visit.go(visit.link("/findings", listed_filters(visit)))


async def people_who_decide(visit: Visit) -> list[str]:
    """The e-mail addresses of accounts to which a finding can be given."""
    accounts = await visit.state(visit.parts.accounts.list)
    return [one.email for one in accounts if one.state == "active" and permits(one.role, DECIDE)]


async def _done(visit: Visit, finding: Finding) -> None:
    form = {name: value.strip() for name, value in visit.form.items()}
    note = form.get("note", "")
    if len(note) > _LONGEST_NOTE:
        raise WrongUse(f"A note has at most {_LONGEST_NOTE:,} characters: shorten it.")
    await _decided(visit, finding, form)
    if assign := form.get("assign"):
        await _assigned(visit, finding, assign)
    if note:
        author = visit.account.email
        await visit.state(visit.parts.findings.add_note, finding.id, author, note)
        await visit.trail(FINDING_NOTED, _entity(finding))


async def _decided(visit: Visit, finding: Finding, form: Mapping[str, str]) -> None:
    status, verdict = form.get("status") or None, form.get("verdict") or None
    reason = form.get("reason") or None
    if status is None and verdict is None:
        return
    if reason is not None and len(reason) > _LONGEST_REASON:
        raise WrongUse(f"A reason has at most {_LONGEST_REASON:,} characters: shorten it.")
    why = reason if verdict is not None else None
    decide_ = visit.parts.findings.decide
    await visit.state(lambda: decide_(finding.id, status=status, verdict=verdict, reason=why))
    details = {
        "status": status,
        "verdict": verdict,
        "reason": why,
        "previous_status": finding.status,
        "previous_verdict": finding.verdict,
    }
    await visit.trail(FINDING_DECIDED, _entity(finding), details)


async def _assigned(visit: Visit, finding: Finding, assign: str) -> None:
    own = visit.account.email
    if assign not in (ME, NOBODY, own) and assign not in await people_who_decide(visit):
        raise WrongUse(f"{shortened(assign, 80)} has no account that gives verdicts: choose one.")
    assignee = {ME: own, NOBODY: None}.get(assign, assign)
    await visit.state(visit.parts.findings.assign, finding.id, assignee)
    details = {"assignee": assignee or NOBODY, "previous_assignee": finding.assignee}
    await visit.trail(FINDING_ASSIGNED, _entity(finding), details)


def _entity(finding: Finding) -> tuple[str, str, str]:
    return "finding", finding.id, finding.title
