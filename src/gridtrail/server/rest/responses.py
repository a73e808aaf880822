"""Responses: what was asked of Slack, and how it went."""

from __future__ import annotations

from typing import Annotated, Literal

import fastapi
from pydantic import Field
from starlette.responses import Response as Answer

from gridtrail.errors import WrongUse
from gridtrail.respond.responses import Response
from gridtrail.respond.steps import What
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import Limit, Query, Seconds, Shape, Text
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.state.database import storable

State = Literal["waiting", "requested", "sent", "confirmed", "unconfirmed", "failed"]

router = Resource("responses")


class ResponseShape(Shape):
    """One person's part of one call to Slack."""

    id: str = Field(description="Its id.")
    batch: str = Field(description="Shared by all that one call was for.")
    org: str = Field(description="The organization.")
    method: str = Field(description="Slack's method.")
    user_id: str = Field(description="Whom it is about.")
    user_name: str = Field(description="Their name.")
    devices: str = Field(description="`all`, `mobile` or `web`.")
    session_id: str | None = Field(description="The session, when it was for one.")
    state: State = Field(description="How it went: docs/responding.md.")
    asked_by: str = Field(description="Who asked for it.")
    approved_by: str | None = Field(description="Who approved it.")
    reason: str = Field(description="Why.")
    finding_id: str | None = Field(description="The finding it is for.")
    said: str = Field(description="What Slack said, or what is known instead.")
    event_id: str | None = Field(description="Slack's own event that confirms it.")
    asked_at: Seconds
    called_at: int | None = Field(description="When Slack was called, seconds since the epoch.")
    changed_at: Seconds


class StepShape(Shape):
    """Something that happened to a response."""

    at: Seconds
    what: What = Field(description="What happened; `called` is just before Slack was called.")
    by: str = Field(description="By whom; empty for what happens by itself.")
    said: str = Field(description="What Slack said, or what is known instead.")
    event_id: str | None = Field(description="Slack's own event.")


class WholeResponse(ResponseShape):
    """One person's part of one call to Slack, and how it went."""

    steps: list[StepShape] = Field(description="Everything that happened to it, the first first.")


class Responses(Shape):
    """Responses, the newest first."""

    responses: list[ResponseShape]


class ResponseQuery(Query):
    """Which responses; all filters must hold."""

    user: Text | None = Field(default=None, description="The id of a user.")
    finding: Text | None = Field(default=None, description="The id of a finding.")
    state: State | None = Field(default=None, description="Only in this state.")
    limit: Limit = Field(default=100, description="At most so many.")


@router.read("/responses", Responses)
async def list_responses(call: Called, query: Annotated[ResponseQuery, fastapi.Query()]) -> Answer:
    """List what was asked of Slack, the newest first."""
    found = await call.state(
        call.parts.responses.select,
        org=call.org,
        user=None if query.user is None else storable(query.user),
        finding=None if query.finding is None else storable(query.finding),
        state=query.state,
        limit=query.limit,
    )
    return answer({"responses": [one.to_json() for one in found]})


@router.read("/responses/{response_id}", WholeResponse, 404)
async def get_response(call: Called, response_id: str) -> Answer:
    """Read one response and its steps; the beginning of its id is enough."""
    found = await response_of(call, response_id)
    steps = (await call.state(call.parts.responses.steps, [found]))[found.id]
    return answer({**found.to_json(), "steps": [one.to_json() for one in steps]})


async def response_of(call: Call, response_id: str) -> Response:
    """The response, if it is of the token's organization. Raises Refused `not_found`."""
    missing = not_found("response", response_id, "list them at /api/v1/responses")
    try:
        found = await call.state(call.parts.responses.get, storable(response_id))
    except WrongUse:
        raise missing from None
    if found.org != call.org:
        raise missing
    return found
