"""What the pages that act in Slack share: the token's organization, calls, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from anyio import to_thread

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.responses import WATCHED, Response
from gridtrail.respond.sign_out import SigningOut, organization_of
from gridtrail.respond.slack_admin import SlackAdmin
from gridtrail.respond.watch import watch
from gridtrail.server.console.parts import Parts

_Result = TypeVar("_Result")

_LONGEST_WAIT = 10
"""Seconds that a page waits in all when Slack says 429."""


class Asking(Protocol):
    """Who asks for something to be done in Slack: a visit of the console, or a call of the API."""

    @property
    def parts(self) -> Parts:
        """The server's."""

    @property
    def org(self) -> str:
        """The organization that it is for."""

    async def lake(self, work: Callable[[Lake], _Result]) -> _Result:
        """What `work` returns, done in a thread with its lake."""

    async def state(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """What `work` returns, done in a thread: it waits for the state database."""

    async def trail(
        self,
        action: str,
        entity: tuple[str, str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Keep in the audit trail who did this to `entity` (type, id, name)."""


def check_organization(visit: Asking) -> None:
    """Raise WrongUse where the token of `[respond]` belongs to another organization."""
    org = organization_of(visit.parts.settings)
    if visit.org != org:
        raise WrongUse(
            f"Gridtrail acts in {org} alone, to which the token of [respond] belongs: go there, or "
            "sign the person out in Slack."
        )


def slack_of(visit: Asking) -> SlackAdmin:
    """Slack by the token of the settings. Raises WrongUse as `check_organization`, BadSettings
    without a token."""
    check_organization(visit)
    settings = visit.parts.settings.respond
    wait = min(settings.longest_wait_seconds, _LONGEST_WAIT)
    return SlackAdmin(settings.model_copy(update={"longest_wait_seconds": wait}))


def signing(visit: Asking) -> SigningOut:
    """Signing out, recorded in the server's store. Raises as `slack_of`."""
    parts = visit.parts
    return SigningOut(slack_of(visit), parts.responses, parts.settings.respond, visit.org)


async def in_slack(visit: Asking, work: Callable[..., _Result], *arguments: object) -> _Result:
    """What `work` returns, done in a thread that may wait for Slack."""
    return await to_thread.run_sync(partial(work, *arguments), limiter=visit.parts.slack)


async def looked(visit: Asking, found: Sequence[Response]) -> bool:
    """Look for Slack's own events of those that are watched; whether any changed."""
    store, settings = visit.parts.responses, visit.parts.settings.respond
    if any(one.state == "waiting" for one in found):
        await visit.state(store.expire, settings.approval_hours * 3600)
    if not any(one.state in WATCHED and one.called_at is not None for one in found):
        return any(one.state == "waiting" for one in found)
    seconds = settings.confirm_seconds
    await visit.lake(lambda lake: watch(lake, store, confirm_seconds=seconds, org=visit.org))
    return True
