"""`/health`, `/ready` and `/metrics`: for those who run the server. No token is needed."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.export.values import iso_seconds
from gridtrail.server.api.refusals import json_response
from gridtrail.server.context import context
from gridtrail.server.metrics import coverages, lake_facts

router = APIRouter()


@router.api_route("/health", methods=["GET", "HEAD"])
async def health() -> Response:
    """The process lives."""
    return json_response({"ok": True})


@router.api_route("/ready", methods=["GET", "HEAD"])
async def ready(request: Request) -> Response:
    """The lake can be read; a lake that nothing was written to yet can.

    Answers 503 when it is damaged (the application's handler of GridtrailError).
    """
    facts = await context(request).pool.run(lake_facts)
    last_commit = None if facts.committed is None else iso_seconds(int(facts.committed))
    lake = {"version": facts.version, "rows": facts.rows, "files": facts.files}
    return json_response({"ok": True, "lake": {**lake, "last_commit": last_commit}})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    ours = context(request)
    facts, collectors = await ours.pool.run(lambda lake: (lake_facts(lake), coverages(lake)))
    return Response(ours.metrics.text(facts, collectors), media_type=CONTENT_TYPE_LATEST)
