"""How a route of the API is guarded: the token first, then the query and the body, then errors.

Every route is made by `Resource.read` or `Resource.change`, so none can be without a guard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, get_origin

import structlog
from fastapi import APIRouter, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from gridtrail.errors import RetryLater, Stop, WrongUse
from gridtrail.server.api.refusals import Refusal
from gridtrail.server.context import body_of
from gridtrail.server.rest.call import let_in
from gridtrail.server.rest.refusing import Error, Refused, invalid, shown

PREFIX = "/api/v1"
READS, CHANGES = "auditlogs:read", "admin"
"""Scopes of a token: what reading needs, and what changing needs."""

_MOST_BODY = 64 * 1024
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `gridtrail token add`. Reading needs the scope `auditlogs:read`, "
    "changing needs `admin`; no scope includes another.",
)
_SAID = {
    400: "The request asks for something that cannot be.",
    401: "There is no token, or it does not hold.",
    403: "The token lacks a scope.",
    404: "There is no such thing.",
    409: "It is otherwise already, or needs another yes.",
    413: "The body is too large.",
    422: "A parameter or a field is unknown or not as it must be.",
    429: "Too many requests: wait as long as `Retry-After` says.",
    503: "The lake is busy, or cannot be read.",
}
_ALWAYS = (400, 401, 403, 422, 429, 503)

log = structlog.get_logger("gridtrail.rest")

Handler = Callable[..., Coroutine[Any, Any, Response]]


class AnyText(Convertor[str]):
    """A part of a path that is any text: an event's id may have slashes and line breaks."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("any_text", AnyText())


class Guarded(APIRoute):
    """A route that answers only to tokens with `needs`; every refusal has the API's shape."""

    needs: ClassVar[str]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the guard."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                request.state.call = await let_in(request, self.needs)
                self._check_query(request)
                return await inner(await _bounded(request))
            except RequestValidationError as error:
                return invalid(error.errors()).response()
            except (Refused, Refusal) as error:
                return _refused(error).response()
            except HTTPException:
                unread = "The body cannot be read: send it as JSON."
                return Refused(400, "invalid_json", unread).response()
            except WrongUse as error:
                return Refused(400, "invalid_request", str(error)).response()
            except (RetryLater, OperationalError, Stop) as error:
                return _unavailable(error).response()

        return guarded

    def _check_query(self, request: Request) -> None:
        """Refuse a query where none is taken, and one value too many.

        A model of parameters refuses unknown ones by itself.
        """
        names = [name for name, _ in request.query_params.multi_items()]
        if names and not self.dependant.query_params:
            raise RequestValidationError([{"type": "extra_forbidden", "loc": ("query", names[0])}])
        several = {
            name
            for one in self.dependant.query_params
            for name, field in getattr(one.field_info.annotation, "model_fields", {}).items()
            if get_origin(field.annotation) is list
        }
        repeated = [name for name, n in Counter(names).items() if n > 1 and name not in several]
        if repeated:
            message = f"{shown(repeated[0])} is given more than once: give it once."
            raise Refused(422, "invalid_parameter", message, parameter=repeated[0][:80])


class Read(Guarded):
    """Reading."""

    needs = READS


class Change(Guarded):
    """Changing."""

    needs = CHANGES


class Resource(APIRouter):
    """The routes of one resource, under its name in the OpenAPI document."""

    def __init__(self, name: str) -> None:
        super().__init__(prefix=PREFIX, tags=[name])

    def read(
        self, path: str, model: type[BaseModel], *more: int, method: str = "GET", needs: str = READS
    ) -> Callable[[Handler], Handler]:
        """A route whose answer is a `model`; `more` are statuses of its refusals."""
        kind = Read if needs == READS else Change
        return self._route(kind, method, path, model, more)

    def change(
        self, method: str, path: str, model: type[BaseModel], *more: int, status: int = 200
    ) -> Callable[[Handler], Handler]:
        """A route that changes something."""
        return self._route(Change, method, path, model, (413, *more), status)

    def _route(
        self,
        kind: type[Guarded],
        method: str,
        path: str,
        model: type[BaseModel],
        more: tuple[int, ...],
        status: int = 200,
    ) -> Callable[[Handler], Handler]:
        answers: dict[int | str, dict[str, Any]] = {
            code: {"model": Error, "description": _SAID[code]} for code in sorted((*_ALWAYS, *more))
        }
        answers[status] = {"model": model}

        def put(handler: Handler) -> Handler:
            self.add_api_route(
                path,
                handler,
                methods=[method],
                status_code=status,
                response_model=None,
                responses=answers,
                dependencies=[params.Security(_BEARER, scopes=[kind.needs])],
                operation_id=handler.__name__,
                summary=(handler.__doc__ or "").partition("\n")[0].rstrip("."),
                route_class_override=kind,
            )
            return handler

        return put


async def _bounded(request: Request) -> Request:
    """The request with its whole body read, which is small. Raises Refusal."""
    body = await body_of(request, _MOST_BODY)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _refused(error: Refused | Refusal) -> Refused:
    if isinstance(error, Refused):
        return error
    return Refused(error.status, error.code, str(error))


def _unavailable(error: Exception) -> Refused:
    headers = {"Retry-After": "1"}
    if isinstance(error, RetryLater):
        log.warning("busy", reason=str(error))
        return Refused(503, "busy", "The lake is busy: try again.", headers=headers)
    log.error("stopped", reason=str(error))
    if isinstance(error, Stop):
        return Refused(503, "unavailable", "The lake cannot be read: see the server's log.")
    message = "The state database cannot be used just now: try again, or see the server's log."
    return Refused(503, "unavailable", message, headers=headers)
