"""Thresholds of detectors: what holds, putting another one in force and taking it back.

A token sees the changes of its organization and those for all. What it puts in force is for its
organization alone; a change for all is taken back by a token of the installation's own one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from starlette.responses import Response

from gridtrail.detect.contract import Detector
from gridtrail.errors import WrongUse
from gridtrail.respond.thresholds import StoredThreshold, tomorrow
from gridtrail.respond.trail import THRESHOLD_ENDED, THRESHOLD_SET
from gridtrail.server.console.thresholds import detectors_of, drafted, held
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import Body, Seconds, Shape, Text
from gridtrail.server.rest.refusing import Refused, not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.settings import LEAST_NOMINAL, MOST_NOMINAL

router = Resource("detectors")


class ThresholdChange(Shape):
    """A number that somebody put in force."""

    id: str = Field(description="Its id; anomalies judged by it name it in their evidence.")
    state: Literal["in force", "later", "ended", "taken back"] = Field(
        description="How it is now; `taken back` was never in force."
    )
    words: str = Field(description="What it says, in one line.")
    detector: str = Field(description="The detector.")
    per_1000_users_day: float = Field(description="What its thresholds are made for.")
    org: str | None = Field(description="Only in this organization; null: in all here.")
    since: Seconds
    until: int | None = Field(description="It ended at this midnight; null while it holds.")
    set_by: str = Field(description="Who put it in force.")
    reason: str = Field(description="Why.")
    set_at: Seconds
    origin: str = Field(description="Where it was set, or which proposal from verdicts it was.")
    ended_by: str | None = Field(description="Who took it back, or put another in its place.")
    ended_at: int | None = Field(description="When.")


class ThresholdShape(Shape):
    """What a detector's thresholds are made for, in anomalies per 1,000 users and day."""

    detector: str = Field(description="The detector.")
    per_1000_users_day: float = Field(description="What holds today (UTC).")
    set_by: Literal["default", "settings", "change"] = Field(description="By whose word.")
    default: float = Field(description="What holds where nobody put another in force.")
    changes: list[ThresholdChange] = Field(description="The newest of them, the newest first.")


class NewThreshold(Body):
    """What to put in force."""

    per_1000_users_day: Annotated[float, Field(ge=LEAST_NOMINAL, le=MOST_NOMINAL)] = Field(
        description="Anomalies per 1,000 users and day; less is stricter."
    )
    reason: Text = Field(description="Why it is better so.")


@router.read("/detectors/{name}/threshold", ThresholdShape, 404)
async def get_threshold(call: Called, name: str) -> Response:
    """Read what a detector's thresholds are made for, and who said so."""
    detectors = await call.state(detectors_of, call.settings)
    found = next((one for one in detectors if one.name == name), None)
    kept = await call.state(call.parts.thresholds.all)
    now = time.time()
    holds = None if found is None else held(call.settings, found, kept, call.org, now)
    if holds is None:
        raise not_found("threshold of a detector", name, "list them at /api/v1/detectors")
    return answer(
        {
            "detector": name,
            "per_1000_users_day": holds.per_1000_users_day,
            "set_by": holds.set_by,
            "default": holds.default,
            "changes": [line.change.to_json(now) for line in holds.lines],
        }
    )


@router.change("POST", "/detectors/{name}/threshold", ThresholdChange, 404, 409, status=201)
async def set_threshold(call: Called, name: str, body: NewThreshold) -> Response:
    """Put another threshold in force in the token's organization, from tomorrow (UTC) on."""
    detectors = await call.state(detectors_of, call.settings)
    _known(detectors, name)
    made = drafted(
        detectors, name, body.per_1000_users_day, org=call.org, by=call.token.name,
        reason=body.reason, origin="API",
    )  # fmt: skip
    try:
        kept = await call.state(call.parts.thresholds.put, made)
    except WrongUse as error:
        raise Refused(409, "conflict", str(error)) from None
    await call.trail(THRESHOLD_SET, ("threshold", kept.id, name), kept.trail_details())
    return answer(kept.to_json(time.time()), 201)


@router.change("DELETE", "/detectors/{name}/threshold", ThresholdChange, 404, 409)
async def end_threshold(call: Called, name: str) -> Response:
    """Take the threshold that was put in force back, from tomorrow (UTC) on."""
    one = await _open(call, name)
    end, at = call.parts.thresholds.end, tomorrow(time.time())
    try:
        ended = await call.state(end, one.id, one.org, call.token.name, at)
    except WrongUse as error:  # somebody was faster
        raise Refused(409, "conflict", str(error)) from None
    await call.trail(THRESHOLD_ENDED, ("threshold", ended.id, name), ended.trail_details())
    return answer(ended.to_json(time.time()))


def _known(detectors: Sequence[Detector], name: str) -> None:
    if name not in {one.name for one in detectors}:
        raise not_found("detector", name, "list them at /api/v1/detectors")


async def _open(call: Call, name: str) -> StoredThreshold:
    """The change to take back: that of the organization, else that for all. Raises Refused."""
    kept = await call.state(call.parts.thresholds.all)
    mine = [one for one in kept if one.detector == name and one.open]
    ours = [one for one in mine if one.org == call.org]
    shared = [one for one in mine if one.org is None]
    if ours:
        return ours[-1]
    if not shared:
        raise not_found("threshold in force", name, "only what somebody set can be taken back")
    if call.org != call.settings.org:
        message = "It holds in every organization: end it with `gridtrail thresholds revert`."
        raise Refused(403, "not_permitted", message)
    return shared[-1]
