"""Responding beside detection: what was asked of Slack is watched, rules are followed, and what
ended in the allow list is said."""

from __future__ import annotations

from typing import Literal

import structlog

from gridtrail.errors import GridtrailError
from gridtrail.lake.lake import Lake
from gridtrail.notify.conditions import announce
from gridtrail.respond.allow_list import AllowList
from gridtrail.respond.automatic import Automatic
from gridtrail.respond.responses import ResponseStore
from gridtrail.respond.watch import watch
from gridtrail.settings import Settings

Fares = tuple[Literal["off", "working", "failing"], str]
"""How it fares, and why when it fails."""

_LOUD = ("failed", "unclear", "held", "stopped")

log = structlog.get_logger("gridtrail.respond")


class Responding:
    """What one server does about findings; `look` again and again, after triage."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake, self._settings = lake, settings
        self._automatic = Automatic(lake, settings)
        self._told = ""

    def look(self) -> Fares:
        """Do what is to be done now. Failing, and the brake, are said in what is returned."""
        self._watch()
        self._expired()
        if self._settings.respond.automatic_mode == "off":
            return ("off", "")
        try:
            why = self._follow_rules()
        except GridtrailError as error:
            why = str(error)
        if why and why != self._told:
            log.error("automatic response", reason=why)
        self._told = why
        return ("failing", why) if why else ("working", "")

    def _follow_rules(self) -> str:
        ran = self._automatic.run()
        for one in ran.decided:
            tell = log.error if one.state in _LOUD else log.info
            tell(
                "automatic response decided", id=one.id, state=one.state, finding=one.finding_id,
                person=one.person, action=one.action, mode=one.mode, rule=one.rule, why=one.why,
            )  # fmt: skip
        if ran.stopped is None:
            return ""
        why = f"The automatic response is stopped by its brake. {ran.stopped.why}"
        if why != self._told:
            title = "The automatic response is stopped by its brake"
            announce(self._settings, f"brake {ran.stopped.id}", title, [ran.stopped.why])
        return why

    def _watch(self) -> None:
        """See whether Slack's own events confirm what was asked of it."""
        respond = self._settings.respond
        with ResponseStore(self._settings.state) as store:
            store.expire(respond.approval_hours * 3600)
            for response in watch(self._lake, store, confirm_seconds=respond.confirm_seconds):
                log.info("response", id=response.id, state=response.state)

    def _expired(self) -> None:
        with AllowList(self._settings.state) as kept:
            for one in kept.tell_expired(self._settings.org):
                there = "; Slack's list still has it" if one.at_slack else ""
                log.warning(
                    f"allow-list entry expired{there}", id=one.id, allows=one.words, owner=one.owner
                )
