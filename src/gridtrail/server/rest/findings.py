"""Findings: the ranked list, one with its context and reasons, and what people decide about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import fastapi
from pydantic import Field
from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.trail import FINDING_DECIDED, FINDING_NOTED
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.cursors import decode, encode
from gridtrail.server.rest.events import RangeQuery, bounds_of
from gridtrail.server.rest.models import Body, Facts, NextCursor, Query, Seconds, Shape, Text
from gridtrail.server.rest.refusing import Refused, not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.state.database import storable
from gridtrail.triage.evidence import evidence_of
from gridtrail.triage.finding import Finding, severity_rank, worst_first
from gridtrail.triage.store import FindingFilters
from gridtrail.triage.why import LONGEST_WINDOW, why

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "investigating", "closed"]
Verdict = Literal["true_positive", "expected", "false_positive"]
Note = Annotated[str, Field(min_length=1, max_length=10_000)]
Assignee = Annotated[str, Field(min_length=1, max_length=200)]

_LISTING = "findings"

router = Resource("findings")


class FindingQuery(RangeQuery):
    """Which findings; all filters must hold."""

    status: Status | None = Field(default=None, description="Only of this status.")
    severity: Severity | None = Field(default=None, description="At least this.")
    verdict: Verdict | None = Field(default=None, description="Only with this verdict.")
    actor: Text | None = Field(default=None, description="The id of somebody it is about.")
    reason: Text | None = Field(default=None, description="One of its reasons.")
    assignee: Text | None = Field(default=None, description="Who looks after it.")


class FindingShape(Shape):
    """Anomalies that belong together, explained."""

    id: str = Field(description="`F` and 16 hexadecimal digits; it stays.")
    org: str = Field(description="The organization.")
    title: str = Field(description="What happened, in one line.")
    narrative: str = Field(description="The story in words.")
    score: float = Field(description="In nats; higher is worse.")
    severity: Severity = Field(description="From the score and the pattern.")
    status: Status = Field(description="Where the work on it stands.")
    verdict: Verdict | None = Field(description="What a person decided.")
    actor_ids: list[str] = Field(description="Whom it is about, the main one first.")
    session_ids: list[str] = Field(description="Sessions of what was flagged.")
    ips: list[str] = Field(description="Addresses of what was flagged.")
    reasons: list[str] = Field(description="Reasons of its anomalies.")
    rules: list[str] = Field(description="Names of the rules that hit.")
    first_seen: Seconds
    last_seen: Seconds
    event_ids: list[str] = Field(description="Anomaly events and rule hits that made it.")
    context: Facts = Field(description="What happened around it: docs/findings.md.")
    history: Facts = Field(description="What is usual, and the parts of the score.")
    advice: list[str] = Field(description="What to do next, one sentence each.")
    assignee: str | None = Field(description="Who looks after it.")
    verdict_reason: str | None = Field(description="Why it got its verdict.")


class Findings(Shape):
    """A page of findings, the worst first."""

    findings: list[FindingShape]
    next_cursor: NextCursor


class NoteShape(Shape):
    """A person's note."""

    at: Seconds
    author: str = Field(description="Who wrote it: an e-mail address, or a token's name.")
    text: str = Field(description="The note.")


class Notes(Shape):
    """The notes of a finding, oldest first."""

    notes: list[NoteShape]


class Evidence(Shape):
    """What an anomaly of the finding says itself."""

    time: str = Field(description="ISO 8601, UTC.")
    date_create: Seconds
    reasons: list[str] | None = Field(description="Why it was raised.")
    actor_id: str | None = Field(description="Whom it is about.")
    actor_name: str | None = Field(description="Their name.")
    actor_email: str | None = Field(description="Their e-mail address.")
    words: str | None = Field(description="What was unusual, in one sentence.")
    silent_if: str | None = Field(description="What would have kept it silent.")


class Context(Shape):
    """What is around a finding."""

    id: str = Field(description="The finding's id.")
    context: Facts = Field(description="As in the finding.")
    history: Facts = Field(description="As in the finding.")
    anomalies: list[Evidence] = Field(description="The first twenty of its anomalies.")


class Part(Shape):
    """A part of a score."""

    part: str = Field(description="`family`, `pattern` or `impact`.")
    name: str = Field(description="Which one.")
    nats: float = Field(description="What it adds.")
    words: str = Field(description="Why.")


class Why(Shape):
    """What made the score of a finding, and what would have lowered it."""

    id: str = Field(description="The finding's id.")
    title: str = Field(description="Its title.")
    severity: Severity = Field(description="Its severity.")
    score: float = Field(description="Its score.")
    nats: float | None = Field(description="The sum of the parts.")
    pattern: str | None = Field(description="The pattern that holds the severity.")
    bands: dict[str, float] = Field(description="Severity -> the score from which it begins.")
    parts: list[Part] = Field(description="What the sum is made of.")
    counts: list[Facts] = Field(description="How often, against all that was before.")
    lower: list[str] = Field(description="What would have lowered it, one sentence each.")


class WhyQuery(Query):
    """How far to count."""

    window: int | None = Field(
        default=None, ge=1, le=LONGEST_WINDOW, description="Count in so many days."
    )


class FindingChange(Body):
    """What to change; what is left out stays."""

    status: Status | None = Field(default=None, description="The status.")
    verdict: Verdict | None = Field(
        default=None, description="The verdict; it closes the finding unless a status says else."
    )
    verdict_reason: Note | None = Field(default=None, description="Why; only with a verdict.")
    assignee: Assignee | None = Field(
        default=None, description="Who looks after it; null takes it away."
    )
    note: Note | None = Field(default=None, description="A note to keep with it.")


class NoteBody(Body):
    """A note to keep."""

    text: Note = Field(description="The note.")


@router.read("/findings", Findings)
async def list_findings(call: Called, query: Annotated[FindingQuery, fastapi.Query()]) -> Response:
    """List findings, the worst first."""
    oldest, latest = bounds_of(query)
    filters = FindingFilters(
        org=call.org,
        status=query.status,
        verdict=query.verdict,
        severity=query.severity,
        actor=query.actor,
        reason=query.reason,
        assignee=None if query.assignee is None else storable(query.assignee),
        oldest=oldest,
        latest=latest,
    )
    found = await call.state(call.parts.findings.select, filters)
    if query.cursor is not None:
        place = decode(query.cursor, call.org, _LISTING, (int, float, int, str))
        found = [one for one in found if worst_first(one) > tuple(place)]
    page, cursor = found[: query.limit], None
    if len(found) > query.limit:
        cursor = encode(call.org, _LISTING, _place(page[-1]))
    return answer({"findings": [one.to_json() for one in page], "next_cursor": cursor})


@router.read("/findings/{finding_id}", FindingShape, 404)
async def get_finding(call: Called, finding_id: str) -> Response:
    """Read one finding; the beginning of its id is enough."""
    return answer((await finding_of(call, finding_id)).to_json())


@router.read("/findings/{finding_id}/context", Context, 404)
async def get_finding_context(call: Called, finding_id: str) -> Response:
    """Read what is around a finding, and what its anomalies say."""
    found = await finding_of(call, finding_id)
    anomalies = await call.lake(lambda lake: evidence_of(lake, found))
    return answer(
        {
            "id": found.id,
            "context": found.context,
            "history": found.history,
            "anomalies": anomalies,
        }
    )


@router.read("/findings/{finding_id}/why", Why, 404)
async def get_finding_why(
    call: Called, finding_id: str, query: Annotated[WhyQuery, fastapi.Query()]
) -> Response:
    """Read what made the score of a finding."""
    found = await finding_of(call, finding_id)

    def work(lake: Lake) -> dict[str, Any]:
        return why(lake, lake.engine, call.settings, found, query.window)

    return answer(await call.lake(work))


@router.read("/findings/{finding_id}/notes", Notes, 404)
async def list_finding_notes(call: Called, finding_id: str) -> Response:
    """List the notes of a finding, oldest first."""
    return answer(await _notes(call, await finding_of(call, finding_id)))


@router.change("POST", "/findings/{finding_id}/notes", Notes, 404, status=201)
async def add_finding_note(call: Called, finding_id: str, body: NoteBody) -> Response:
    """Keep a note with a finding; the token's name is its author."""
    found = await finding_of(call, finding_id)
    await _keep_note(call, found, body.text)
    return answer(await _notes(call, found), 201)


@router.change("PATCH", "/findings/{finding_id}", FindingShape, 404)
async def change_finding(call: Called, finding_id: str, body: FindingChange) -> Response:
    """Set status, verdict or assignee of a finding, or keep a note with it."""
    found = await finding_of(call, finding_id)
    given = body.model_fields_set
    if not given:
        raise WrongUse("Nothing is to be changed: name status, verdict, assignee or note.")
    store = call.parts.findings
    changed: dict[str, object] = {}
    if body.status or body.verdict or body.verdict_reason:
        decided = await call.state(
            store.decide,
            found.id,
            status=body.status,
            verdict=body.verdict,
            reason=body.verdict_reason,
        )
        changed |= {"status": decided.status, "verdict": decided.verdict}
        changed |= {"previous_status": found.status, "previous_verdict": found.verdict}
    if "assignee" in given:
        await call.state(store.assign, found.id, body.assignee)
        changed |= {"assignee": body.assignee or "nobody", "previous_assignee": found.assignee}
    if changed:
        await call.trail(FINDING_DECIDED, ("finding", found.id, found.title), changed)
    if body.note is not None:
        await _keep_note(call, found, body.note)
    return answer((await finding_of(call, found.id)).to_json())


async def finding_of(call: Call, finding_id: str) -> Finding:
    """The finding of the token's organization with this id, or the beginning of it.

    Raises Refused `not_found`; that of another organization is not found either.
    """
    try:
        found = await call.state(call.parts.findings.get, storable(finding_id))
    except WrongUse:
        raise _no_finding(finding_id) from None
    if found.org != call.org:
        raise _no_finding(finding_id)
    return found


def _no_finding(finding_id: str) -> Refused:
    return not_found("finding", finding_id, "list them at /api/v1/findings")


async def _keep_note(call: Call, found: Finding, text: str) -> None:
    await call.state(call.parts.findings.add_note, found.id, call.token.name, text)
    await call.trail(FINDING_NOTED, ("finding", found.id, found.title))


async def _notes(call: Call, found: Finding) -> dict[str, Any]:
    kept = await call.state(call.parts.findings.notes, found.id)
    return {"notes": [{"at": one.at, "author": one.author, "text": one.text} for one in kept]}


def _place(finding: Finding) -> list[Any]:
    """The finding's place in the order of `worst_first`."""
    rank, score = -severity_rank(finding.severity), -float(finding.score)
    return [rank, score, -finding.last_seen, finding.id]
