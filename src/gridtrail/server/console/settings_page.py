"""The settings in force: value, origin and help of each, and never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.server.console.origins import Section, sections, settings_now
from gridtrail.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """All settings by section; `changed` of them would be other after a start, and `problem` says
    why a start would fail."""

    template: ClassVar[str] = "settings.html"

    sections: Sequence[Section]
    only: str  # "set" shows only what is not as by default
    changed: int
    total: int
    set: int
    problem: str


async def show(visit: Visit) -> Response:
    """The page."""
    settings = visit.parts.settings
    now = await visit.state(settings_now, settings)
    found = await visit.state(sections, settings, now.settings)
    every = [one for section in found for one in section.settings]
    only = "set" if visit.one("only") == "set" else ""
    shown = [
        Section(
            one.name,
            one.help,
            [s for s in one.settings if not only or not s.is_default or s.later],
        )
        for one in found
    ]
    page = SettingsPage(
        [one for one in shown if one.settings],
        only,
        sum(one.later != "" for one in every),
        len(every),
        sum(not one.is_default for one in every),
        now.problem,
    )
    return visit.page(page)
