"""Signing people out of Slack: what would happen, asking for it, and a second one's decision.

A token stands for whoever holds it, so with four eyes the second yes comes from another token, or
from a person in the console.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import Response as Answer

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.people import Person, find_person
from gridtrail.respond.responses import Response
from gridtrail.respond.sign_out import Order, Preview
from gridtrail.respond.trail import SIGN_OUT_ASKED
from gridtrail.server.console.acting import in_slack, signing
from gridtrail.server.console.responses import approve, refuse
from gridtrail.server.console.sign_out import called, told
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import Body, Shape, Text
from gridtrail.server.rest.refusing import Refused, not_found
from gridtrail.server.rest.responses import Responses, ResponseShape, response_of
from gridtrail.server.rest.routing import Resource
from gridtrail.state.database import storable

router = Resource("responses")


class SignOut(Body):
    """Whom to sign out of Slack, and where."""

    users: list[Text] = Field(
        min_length=1, max_length=500, description="Slack ids or e-mail addresses."
    )
    reason: Text = Field(description="Why; kept in the record.")
    devices: Literal["all", "mobile", "web"] = Field(
        default="all", description="On all devices, mobile ones, or the web and desktop."
    )
    session_id: Text | None = Field(
        default=None, description="Only this session, of a single person."
    )
    finding: Text | None = Field(default=None, description="The finding it is for.")
    dry_run: bool = Field(
        default=True, description="Only say what would happen. Send false to do it."
    )
    key: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = Field(
        default=None,
        description="Needed to do it: 32 hexadecimal digits of your own, one key for one wish. "
        "Sent again with the same key, nothing is done again and the record is answered.",
    )


class Excluded(Shape):
    """Somebody who is spared."""

    user_id: str = Field(description="Whom.")
    why: str = Field(description="Why.")


class Session(Shape):
    """An active session as Slack lists it."""

    user_id: str = Field(description="Whose.")
    session_id: str = Field(description="Which.")
    created: dict[str, str] = Field(description="The device and address that it began with.")
    recent: dict[str, str] | None = Field(description="The last other ones.")


class SignedOut(Shape):
    """What would happen, or what was done."""

    sentence: str = Field(description="What happens, in words; empty for a key that came before.")
    excluded: list[Excluded]
    sessions: list[Session] = Field(description="Active ones, of up to ten people.")
    responses: list[ResponseShape] = Field(description="The record; empty in a dry run.")


class Decision(Body):
    """A second one's decision on what waits."""

    decision: Literal["approve", "refuse"] = Field(description="Do it, or end it.")


@router.change("POST", "/signouts", SignedOut, 409)
async def sign_out(call: Called, body: SignOut) -> Answer:
    """Sign people out of Slack, or say what would happen; how it went stands in the responses."""
    if not body.dry_run and body.key is None:
        raise Refused(422, "invalid_parameter", "Send a key to do it: see `key`.", parameter="key")
    before = [] if body.key is None else await call.state(call.parts.responses.batch, body.key)
    if before:
        _own(call, before)
        return _said(None, before)
    if body.finding is not None:
        await call.state(call.parts.findings.get, storable(body.finding))
    order = Order(
        await call.lake(lambda lake: _people(lake, call.org, body.users)),
        body.devices,
        body.session_id,
        storable(body.reason),
        body.finding,
    )
    out = signing(call)
    try:
        preview = await in_slack(call, out.preview, order)
    except RetryLater as error:
        raise Refused(503, "slack_not_reached", str(error)) from None
    if body.dry_run:
        return _said(preview, [])
    asked = await call.state(lambda: out.ask(preview, _name(call), key=body.key))
    await told(call, SIGN_OUT_ASKED, asked)
    if asked[0].state == "requested":
        # the record says what Slack said, or that another request was faster
        for batch in dict.fromkeys(one.batch for one in asked):
            with suppress(WrongUse, RetryLater):
                await called(call, batch)
    batches = dict.fromkeys(one.batch for one in asked)
    done = [one for b in batches for one in await call.state(call.parts.responses.batch, b)]
    return _said(preview, done)


@router.change("POST", "/responses/{response_id}/decision", Responses, 404, 409)
async def decide_response(call: Called, response_id: str, body: Decision) -> Answer:
    """Approve or refuse what waits for a second one; never by the token that asked."""
    one = await response_of(call, response_id)
    work = approve if body.decision == "approve" else refuse
    try:
        await work(call, one, _name(call))
    except WrongUse as error:
        raise Refused(409, "conflict", str(error)) from None
    except RetryLater as error:
        raise Refused(503, "slack_not_reached", str(error)) from None
    now = await call.state(call.parts.responses.batch, one.batch)
    return answer({"responses": [each.to_json() for each in now]})


def _name(call: Call) -> str:
    return f"token {call.token.id}"


def _own(call: Call, rows: Sequence[Response]) -> None:
    if any(one.org != call.org for one in rows):
        raise not_found("key", rows[0].batch, "choose another")


def _people(lake: Lake, org: str, users: Sequence[str]) -> tuple[Person, ...]:
    return tuple(find_person(lake, org, storable(one)) for one in users)


def _said(preview: Preview | None, done: Sequence[Response]) -> Answer:
    found: dict[str, Any] = {"sentence": "", "excluded": [], "sessions": []}
    if preview is not None:
        found = {
            "sentence": preview.sentence,
            "excluded": [{"user_id": one.id, "why": why} for one, why in preview.excluded],
            "sessions": [asdict(one) for each in preview.sessions.values() for one in each],
        }
    return answer({**found, "responses": [one.to_json() for one in done]})
