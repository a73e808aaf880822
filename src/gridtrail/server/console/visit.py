"""One request of the console: who asks, what they may, and the page they get."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.trail import Doer
from gridtrail.server.accounts import Account
from gridtrail.server.console.links import link
from gridtrail.server.console.parts import Parts
from gridtrail.server.console.render import Page, rendered
from gridtrail.server.console.text import shortened
from gridtrail.server.context import body_of
from gridtrail.server.roles import ROLES, permits
from gridtrail.server.sessions import Session

_Result = TypeVar("_Result")

ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What can name an organization."""

_MOST_FORM = 64 * 1024
_MOST_FIELDS = 100
_THEMES = ("light", "dark")


@dataclass(slots=True)
class Visit:
    """A request and the session it belongs to (None on the open pages)."""

    request: Request
    parts: Parts
    session: Session | None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        """Who is signed in; only on pages that need an account."""
        if self.session is None:
            raise WrongUse("Nobody is signed in: sign in first.")
        return self.session.account

    @property
    def org(self) -> str:
        """The organization that is looked at: `org` in the address, else the settings'.

        Strangers do not choose: without a session it is the settings'.
        """
        asked = self.one("org")
        if asked is None or self.session is None or not ORG.fullmatch(asked):
            return self.parts.settings.org
        return asked

    def check_org(self) -> None:
        """Raise WrongUse when the address names something that can be no organization."""
        asked = self.one("org")
        if asked is not None and not ORG.fullmatch(asked):
            raise WrongUse(f"{shortened(asked, 40)} names no organization: correct the address.")

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a piece of a page."""
        return self.request.headers.get("hx-request") == "true"

    def one(self, name: str) -> str | None:
        """The query's last value of `name`, without blanks around it; None when empty."""
        return self.request.query_params.get(name, "").strip() or None

    def several(self, name: str) -> tuple[str, ...]:
        """The query's values of `name`, given repeatedly or with commas between them."""
        given = ",".join(self.request.query_params.getlist(name)).split(",")
        return tuple(dict.fromkeys(one for part in given if (one := part.strip())))

    def may(self, permission: str) -> bool:
        """Whether the account's role permits it."""
        return self.session is not None and permits(self.session.account.role, permission)

    def link(self, path: str, values: Mapping[str, object] | None = None, **more: object) -> str:
        """An address of the console, in the same organization."""
        org = None if self.org == self.parts.settings.org else self.org
        return link(path, values, **{"org": org, **more})

    async def lake(self, work: Callable[[Lake], _Result]) -> _Result:
        """What `work` returns, done in a thread with its lake."""
        return await self.parts.pool.run(work)

    async def state(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """What `work` returns, done in a thread: it waits for the state database."""
        return await self.parts.in_state(partial(work, *arguments))

    async def trail(
        self,
        action: str,
        entity: tuple[str, str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Keep in the audit trail that the account did this to `entity` (type, id, name)."""
        put = self.parts.trail.put
        await self.parts.in_state(lambda: put(self.org, action, self.doer, entity, details))

    @property
    def doer(self) -> Doer:
        """Who does it, from where."""
        client = self.request.client
        ip = client.host if client is not None else ""
        ua = self.request.headers.get("user-agent", "")
        if self.session is None:
            return Doer(ip=ip, ua=ua)
        return Doer.of(self.session.account, ip=ip, ua=ua, session=self.session.id)

    def page(self, page: Page, status: int = 200) -> Response:
        """The page in the shell of the console."""
        return HTMLResponse(rendered(page, self._shell()), status)

    def go(self, address: str) -> Response:
        """Send the browser to another page of ours, after a form."""
        return RedirectResponse(address, 303)

    def _shell(self) -> dict[str, Any]:
        theme = self.request.cookies.get("gridtrail_theme", "")
        return {
            "account": self.session.account if self.session is not None else None,
            "csrf": self.session.csrf if self.session is not None else "",
            "theme": theme if theme in _THEMES else "",
            "org": self.org,
            "link": self.link,
            "may": self.may,
            "permitted": ROLES[self.session.account.role] if self.session is not None else (),
        }


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; the last of a repeated one counts."""
    body = await body_of(request, _MOST_FORM)
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise WrongUse(f"The form has more than {_MOST_FIELDS} fields: send fewer.") from None
    return dict(pairs)
