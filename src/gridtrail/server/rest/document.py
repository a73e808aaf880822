"""All routes of the API, its OpenAPI document, and what answers where there is no route."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from gridtrail.server.rest import (
    allow,
    anomalies,
    detectors,
    entities,
    events,
    findings,
    health,
    responses,
    rules,
    signing_out,
    thresholds,
)
from gridtrail.server.rest.call import answer
from gridtrail.server.rest.refusing import Refused
from gridtrail.server.rest.routing import PREFIX, Guarded

RESOURCES = (
    findings, anomalies, events, entities, allow, detectors, thresholds, rules, responses,
    signing_out, health,
)  # fmt: skip

DOCUMENT = f"{PREFIX}/openapi.json"
"""Where the document is; the only route that needs no token."""

_ABOUT = (
    "Findings, anomalies, events and what is known of them; verdicts and the allow list. The JSON "
    "is that of the command line's `--format json`. A token shows its organization and no other. "
    "Every refusal is `{error, message}`: a stable word, and a sentence that ends with the next "
    "step."
)


def guarded() -> list[Guarded]:
    """Every route that needs a token."""
    return [route for one in RESOURCES for route in one.router.routes if isinstance(route, Guarded)]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return get_openapi(
        title="Gridtrail",
        version=version("gridtrail"),
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=guarded(),
    )


async def openapi(_request: Request) -> Response:
    """The document; no token is needed."""
    return answer(document())


class Nowhere:
    """Answers any other address and method under the prefix, in the API's shape."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse: 405 where another method would do, else 404."""
        allowed: set[str] = set()
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.PARTIAL:
                allowed |= getattr(route, "methods", None) or set()
        if allowed:
            message = "This address does not take this HTTP method: use one of the Allow header."
            headers = {"Allow": ", ".join(sorted(allowed))}
            refused = Refused(405, "method_not_allowed", message, headers=headers)
        else:
            message = f"There is nothing at this address: see {DOCUMENT} for those there are."
            refused = Refused(404, "not_found", message)
        await refused.response()(scope, receive, send)


def router() -> APIRouter:
    """All routes of the API."""
    made = APIRouter()
    for one in RESOURCES:
        made.include_router(one.router)
    plain = Route(DOCUMENT, openapi, methods=["GET"])
    made.routes.append(plain)
    known: list[BaseRoute] = [*guarded(), plain]
    made.routes.append(Route(f"{PREFIX}/{{anything:any_text}}", Nowhere(known)))
    return made
