"""Slack's own allow list beside ours: what differs, and bringing it over in either direction."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.errors import RetryLater, Stop, WrongUse
from gridtrail.respond.allow_sync import Difference, difference, pull, push
from gridtrail.respond.sign_out import organization_of
from gridtrail.respond.slack_admin import SlackAdmin
from gridtrail.respond.trail import ALLOW_PULLED, ALLOW_PUSHED
from gridtrail.server.console.acting import in_slack, slack_of
from gridtrail.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be done, in words."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class AllowSlackPage:
    """What `pull` and `push` would do; `mark` names the difference that is shown."""

    template: ClassVar[str] = "allow_slack.html"

    pulls: Sequence[Change] = ()
    pushes: Sequence[Change] = ()
    only_here: Sequence[str] = ()
    alike: Sequence[str] = ()
    mark: str = ""
    problem: str = ""
    done: str = ""


async def show(visit: Visit) -> Response:
    """The difference as it is now."""
    done = {
        "pull": "What appeared in Slack's list is here now.",
        "push": "Slack's list is written.",
    }
    try:
        _, found = await _compared(visit)
    except (WrongUse, RetryLater) as error:
        return visit.page(AllowSlackPage(problem=str(error)))
    return visit.page(_page(found, done=done.get(visit.one("done") or "", "")))


async def bring(visit: Visit) -> Response:
    """Pull or push exactly what was shown; then the difference again."""
    direction = visit.form.get("direction", "")
    if direction not in ("pull", "push"):
        raise WrongUse("Nothing is chosen: pull from Slack, or push to Slack.")
    try:
        slack, found = await _compared(visit)
        if _mark(found) != visit.form.get("mark"):
            problem = "One of the lists was changed meanwhile: this is the difference now."
            return visit.page(_page(found, problem=problem), 409)
        if direction == "pull":
            await _pull(visit, slack, found)
        else:
            await _push(visit, slack, found)
    except (WrongUse, RetryLater, Stop) as error:
        return visit.page(AllowSlackPage(problem=str(error)), 409)
    return visit.go(visit.link("/allow/slack", done=direction))


async def _compared(visit: Visit) -> tuple[SlackAdmin, Difference]:
    slack = slack_of(visit)
    kept = visit.parts.allow_list
    allowed = await in_slack(visit, slack.allowed)
    org = organization_of(visit.parts.settings)
    return slack, difference(allowed, await visit.state(kept.all), time.time(), org)


async def _pull(visit: Visit, slack: SlackAdmin, shown: Difference) -> None:
    by, kept = visit.account.email, visit.parts.allow_list
    added = await in_slack(visit, lambda: pull(slack, kept, shown, by=by))
    ended = [one.words for one in shown.off_here]
    details = {"added": [one.words for one in added], "ended": ended}
    await visit.trail(ALLOW_PULLED, _OWN, details)


async def _push(visit: Visit, slack: SlackAdmin, shown: Difference) -> None:
    kept = visit.parts.allow_list
    await in_slack(visit, lambda: push(slack, kept, shown))
    details = {
        "added": [one.words for one in shown.to_slack],
        "removed": [one.words for one in shown.off_slack],
    }
    await visit.trail(ALLOW_PUSHED, _OWN, details)


_OWN = ("allow_list", "slack", "Slack's own allow list")


def _page(found: Difference, **more: Any) -> AllowSlackPage:
    return AllowSlackPage(
        pulls=[
            *(Change("added here", value if kind == "cidr" else f"AS{value}")
              for kind, value in found.to_here),
            *(Change("ended here", one.words) for one in found.off_here),
        ],
        pushes=[
            *(Change("added at Slack", one.words) for one in found.to_slack),
            *(Change("removed at Slack", one.words) for one in found.off_slack),
        ],
        only_here=[one.words for one in found.only_here],
        alike=[one.words for one in found.alike],
        mark=_mark(found),
        **more,
    )  # fmt: skip


def _mark(found: Difference) -> str:
    return hashlib.sha256(repr(found).encode("utf-8", "replace")).hexdigest()[:32]
