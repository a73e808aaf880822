"""Detectors: how each is, and what it raised and held back lately."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from gridtrail.server.console.detector_facts import DAYS, DetectorFacts, overview
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import Shape
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource

router = Resource("detectors")


class DetectorShape(Shape):
    """A detector of the token's organization."""

    org: str = Field(description="The organization.")
    detector: str = Field(description="Its name: the main reason it gives.")
    meaning: str = Field(description="What it judges.")
    state: Literal["working", "learning", "blind", "failed", "never"] = Field(
        description="`blind` lacks its input, `never` did not run yet."
    )
    why: str = Field(description="Why it is so, in words.")
    decided_to: int | None = Field(
        description="Events up to here are decided, seconds since the epoch."
    )
    off: bool = Field(description="Whether the settings keep it quiet.")
    own: bool = Field(description="Whether it is a detector of your own.")
    fidelity: str = Field(description="`audit`, or `audit-proxy` where logs cannot show all.")
    anomalies: int = Field(description=f"Raised in the last {DAYS} days.")
    silenced: dict[str, int] = Field(description="Found in these days and not said, by why.")


class Detectors(Shape):
    """All detectors, those that need a look first."""

    days: int = Field(description="How far back the counts reach.")
    detectors: list[DetectorShape]
    others: dict[str, int] = Field(description="Anomalies that others (Slack) raised, by reason.")


@router.read("/detectors", Detectors)
async def list_detectors(call: Called) -> Response:
    """List the detectors with their state, those that need a look first."""
    found, others = await _overview(call)
    return answer({"days": DAYS, "detectors": found, "others": others})


@router.read("/detectors/{name}", DetectorShape, 404)
async def get_detector(call: Called, name: str) -> Response:
    """Read how one detector is."""
    found, _ = await _overview(call)
    for one in found:
        if one["detector"] == name:
            return answer(one)
    raise not_found("detector", name, "list them at /api/v1/detectors")


async def _overview(call: Call) -> tuple[list[dict[str, Any]], dict[str, int]]:
    parts = call.parts
    found = await call.lake(lambda lake: overview(lake, parts.settings, parts.counts, call.org))
    return [_row(call.org, one) for one in found.detectors], dict(found.others)


def _row(org: str, one: DetectorFacts) -> dict[str, Any]:
    return {
        "org": org,
        "detector": one.name,
        "meaning": one.meaning,
        "state": one.state,
        "why": one.why,
        "decided_to": one.decided_to,
        "off": one.off,
        "own": one.own,
        "fidelity": one.fidelity,
        "anomalies": one.total,
        "silenced": dict(one.silenced),
    }
