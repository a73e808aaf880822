"""What the automatic response decided: what it did or would have done, to whom, why; the brake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.respond.decisions import STATES, Decision, DecisionStore
from gridtrail.server.console.visit import Visit

_SHOWN = 200
_LONGEST_REASON = 1_000
_WORDS = {
    "acting": "being done",
    "done": "Slack said yes",
    "unclear": "no answer from Slack",
    "failed": "Slack said no",
    "waiting": "waits for a second person",
    "recorded": "dry run: would have been done",
    "notified": "told, nothing else",
    "excluded": "the person is excluded",
    "answered": "was done before",
    "guarded": "would be a loop",
    "held": "the brake is on",
    "stopped": "the brake was put on",
    "released": "the brake was let go",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with its state in words, and the responses that it made (ids)."""

    one: Decision
    words: str
    responses: Sequence[str]


@dataclass(frozen=True, slots=True)
class AutomaticPage:
    """The decisions, the newest first; `brakes` are why nothing is done, by mode."""

    template: ClassVar[str] = "automatic.html"

    found: Sequence[Decided]
    cut: bool
    brakes: Mapping[str, Decision]
    filters: Mapping[str, str]
    mode: str  # off, record (a dry run) or act
    rules: int  # how many the settings have
    states: Sequence[str] = STATES


async def show(visit: Visit) -> Response:
    """The page."""
    given = {name: visit.one(name) or "" for name in ("state", "person", "finding")}
    wanted = {name: value or None for name, value in given.items()}

    def read() -> tuple[list[Decided], dict[str, Decision]]:
        with DecisionStore(visit.parts.settings.state) as store:
            rows = store.select(**wanted, limit=_SHOWN + 1)
            brakes = {
                mode: on for mode in ("act", "record") if (on := store.brake(visit.org, mode))
            }
        return [_decided(visit, one) for one in rows if one.org == visit.org], brakes

    found, brakes = await visit.state(read)
    settings = visit.parts.settings.respond
    return visit.page(
        AutomaticPage(
            found[:_SHOWN],
            len(found) > _SHOWN,
            brakes,
            given,
            settings.automatic_mode,
            len(settings.automatic),
        )
    )


async def release(visit: Visit) -> Response:
    """Let the brake go; then the page again."""
    reason = visit.form.get("reason", "").strip()
    if len(reason) > _LONGEST_REASON:
        raise WrongUse(f"A reason has at most {_LONGEST_REASON:,} characters: shorten it.")
    org, doer = visit.org, visit.doer

    def let_go() -> None:
        with DecisionStore(visit.parts.settings.state) as store:
            store.release(org, doer, reason)

    await visit.state(let_go)
    return visit.go(visit.link("/responses/automatic"))


def _decided(visit: Visit, one: Decision) -> Decided:
    batches = (visit.parts.responses.batch(batch) for batch in one.batches)
    return Decided(one, _WORDS[one.state], [row.id for rows in batches for row in rows])
