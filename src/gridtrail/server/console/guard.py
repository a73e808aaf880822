"""What stands before every page: the session, the role, the form's token; and after it: headers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gridtrail.errors import GridtrailError, RetryLater, Stop, WrongUse
from gridtrail.server.console.links import link
from gridtrail.server.console.parts import parts
from gridtrail.server.console.refusing import NotAllowed, NotSignedIn, status_of
from gridtrail.server.console.visit import Visit, form_of
from gridtrail.server.context import note
from gridtrail.server.roles import OPEN, TITLES, permits

COOKIE = "gridtrail_session"

Handler = Callable[[Visit], Awaitable[Response]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # forms must say where they come from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

log = structlog.get_logger("gridtrail.console")


@dataclass(frozen=True, slots=True)
class Place:
    """A page or a form of the console: who may use it, and what answers.

    `live` ones are asked for by an open page again and again, which is nobody's use of a session.
    """

    method: str
    path: str
    permission: str
    handler: Handler
    live: bool = False


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """Why there is no other page."""

    template: ClassVar[str] = "error.html"

    title: str
    message: str


def endpoint(place: Place) -> Callable[[Request], Awaitable[Response]]:
    """The handler of `place`, guarded."""

    async def answer(request: Request) -> Response:
        visit = Visit(request, parts(request), None)
        try:
            await _let_in(visit, place)
            response = await place.handler(visit)
        except NotSignedIn:
            response = _to_sign_in(visit)
        except (WrongUse, RetryLater, Stop) as error:
            response = _refused(visit, error)
        return _with_headers(response)

    return answer


def same_origin(request: Request) -> bool:
    """Whether a form was sent by one of our own pages, as far as the browser says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _let_in(visit: Visit, place: Place) -> None:
    request = visit.request
    visit.check_org()
    if place.permission != OPEN:
        cookie = request.cookies.get(COOKIE, "")
        find = visit.parts.sessions.find
        visit.session = await visit.parts.in_state(lambda: find(cookie, used=not place.live))
        if visit.session is None:
            raise NotSignedIn("Sign in first.")
        note(request, account=visit.session.account.id)
    if request.method == "POST":
        visit.form = await form_of(request)
        _check_form(visit)
    if visit.session is not None and not permits(visit.session.account.role, place.permission):
        role = TITLES.get(visit.session.account.role, visit.session.account.role)
        raise NotAllowed(f"The role {role} does not permit this: ask an owner for another role.")


def _check_form(visit: Visit) -> None:
    told = visit.form.get("csrf", "").encode()
    known = visit.session.csrf.encode() if visit.session is not None else told
    if not same_origin(visit.request) or not secrets.compare_digest(told, known):
        raise NotAllowed("The form is not from a page of this session: load the page again.")


def _to_sign_in(visit: Visit) -> Response:
    request = visit.request
    if visit.partial:
        return Response(status_code=401, headers={"HX-Redirect": "/signin"})
    if request.method != "GET":
        return RedirectResponse("/signin", 303)
    query = request.url.query
    wanted = request.url.path + (f"?{query}" if query else "")
    return RedirectResponse(link("/signin", next=None if wanted == "/" else wanted), 303)


def _refused(visit: Visit, error: GridtrailError) -> Response:
    if isinstance(error, WrongUse):
        status, title = status_of(error), "This cannot be shown"
    elif isinstance(error, RetryLater):
        log.warning("busy", reason=str(error))
        return visit.page(ErrorPage("Busy", "The lake is busy: load the page again."), 503)
    else:
        log.error("stopped", reason=str(error))
        return visit.page(ErrorPage("Stopped", "The lake cannot be read: see the log."), 503)
    titles = {403: "Not allowed", 404: "Not here", 429: "Too many tries"}
    return visit.page(ErrorPage(titles.get(status, title), str(error)), status)


def _with_headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
