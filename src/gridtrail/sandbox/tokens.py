"""Tokens of the sandbox: not secret, the same for the same seed, and shaped like Slack's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridtrail.sandbox.people import Person
from gridtrail.sandbox.world import World

OWNER_SCOPES = ("auditlogs:read", "admin", "admin.users:read", "admin.users:write")


@dataclass(frozen=True, slots=True)
class Token:
    """Whose token it is and what it may do; `app` is the app it was given to.

    `org_wide` is False for an app that is installed on a single workspace.
    """

    secret: str
    person: Person
    scopes: tuple[str, ...]
    app: str
    org_wide: bool = True


def tokens_of(world: World) -> Mapping[str, Token]:
    """By what they are for: `owner` may do everything, `reader` only read the log, `member` belongs
    to somebody who is no admin, `workspace` to an app installed on a workspace alone."""
    owner = world.people[2]
    member = next(one for one in world.people[4:] if one.role == "member")
    number = world.plan.seed
    return {
        "owner": Token(f"xoxp-sandbox-{number}-owner", owner, OWNER_SCOPES, "A0SANDBOX1"),
        "reader": Token(f"xoxp-sandbox-{number}-reader", owner, ("auditlogs:read",), "A0SANDBOX2"),
        "member": Token(f"xoxp-sandbox-{number}-member", member, OWNER_SCOPES, "A0SANDBOX3"),
        "workspace": Token(
            f"xoxp-sandbox-{number}-workspace", owner, OWNER_SCOPES, "A0SANDBOX4", org_wide=False
        ),
    }


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization` header, or None when it names none."""
    kind, _, secret = (header or "").partition(" ")
    return secret.strip() or None if kind.lower() == "bearer" else None
