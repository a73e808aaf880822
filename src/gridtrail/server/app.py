"""The application: routes, errors, and the parts that live as long as the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gridtrail.errors import RetryLater, Stop
from gridtrail.server import health
from gridtrail.server.access import Access
from gridtrail.server.api import audit, web
from gridtrail.server.api.refusals import Refusal
from gridtrail.server.console import places
from gridtrail.server.console.guard import endpoint
from gridtrail.server.console.parts import opened
from gridtrail.server.context import Context
from gridtrail.server.metrics import Metrics
from gridtrail.server.pool import LakePool
from gridtrail.server.rate import RateLimit
from gridtrail.server.requests import Requests
from gridtrail.server.rest import document
from gridtrail.server.tokens import TokenStore
from gridtrail.server.work import Work
from gridtrail.settings import Settings

STATE_FILE = "state.db"
_FLUSH_SECONDS = 30
_FOR_PROGRAMS = ("/audit/", "/api/")

log = structlog.get_logger("gridtrail.server")


def create_app(settings: Settings, *, work: Work | None = None) -> ASGIApp:
    """The ASGI application over the data directory of `settings`; opened by its lifespan.

    `work` (collector and detection) is started and stopped with it.
    """
    metrics = Metrics(work)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        server = settings.server
        pool = LakePool(
            settings.data / "lake",
            workers=server.workers,
            threads=settings.threads,
            memory_limit=server.memory_limit,
            spill=settings.data / "spill",
        )
        with TokenStore(settings.state) as store:
            access = Access(store)
            limit = RateLimit(server.rate_limit_per_minute)
            flushing = asyncio.create_task(_flush_forever(access))
            if work is not None:
                work.start()
            context = Context(server, pool, access, limit, metrics)
            try:
                async with opened(settings, pool, work) as console:
                    yield {"context": context, "console": console}
            finally:
                if work is not None:
                    await asyncio.to_thread(work.stop)
                flushing.cancel()
                with suppress(asyncio.CancelledError):
                    await flushing
                await asyncio.to_thread(pool.close)
                await _flush(access)

    app = FastAPI(
        lifespan=lifespan, openapi_url=None, redirect_slashes=False, exception_handlers=_HANDLERS
    )
    for router in (health.router, audit.router, web.router, document.router(), places.router()):
        app.include_router(router)
    return Requests(app, metrics)


async def _flush_forever(access: Access) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        await _flush(access)


async def _flush(access: Access) -> None:
    try:
        await access.flush()
    except OperationalError as error:  # someone else writes for long; nothing of worth is lost
        log.warning("could not note when tokens were used", reason=str(error.orig))


async def _refused(_request: Request, error: Refusal) -> Response:
    return error.response()


async def _not_found(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404 and _is_browser(request):
        return await endpoint(places.NOWHERE)(request)
    if error.status_code == 405:
        refusal = Refusal(
            "method_not_allowed",
            "This address does not take this HTTP method: use one of the Allow header.",
            headers=error.headers,
        )
    elif error.status_code == 404:
        refusal = Refusal("bad_endpoint", "There is nothing at this address: correct the path.")
    else:
        refusal = Refusal("invalid_arguments", "The request cannot be read: correct it.")
    return refusal.response()


def _is_browser(request: Request) -> bool:
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and request.method == "GET" and not request.url.path.startswith(_FOR_PROGRAMS)


async def _busy(_request: Request, error: Exception) -> Response:
    log.warning("busy", reason=str(error))
    return Refusal(
        "service_unavailable", "The lake is busy: try again.", headers={"Retry-After": "1"}
    ).response()


async def _stopped(_request: Request, error: Exception) -> Response:
    log.error("stopped", reason=str(error))
    return Refusal(
        "service_unavailable", "The lake cannot be read: see the server's log."
    ).response()


async def _failed(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again afterwards, so that the server logs it with its traceback
    return Refusal("internal_error", "The server failed: see its log.").response()


_HANDLERS: dict[Any, Any] = {
    Refusal: _refused,
    HTTPException: _not_found,
    RetryLater: _busy,
    Stop: _stopped,
    Exception: _failed,
}
