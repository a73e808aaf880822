"""Any service that Apprise knows as a channel: plain text, no updates."""

from __future__ import annotations

import logging
from pathlib import Path

import apprise

from gridtrail.errors import BadSettings
from gridtrail.export.visible import visible
from gridtrail.notify.message import Message
from gridtrail.notify.outcomes import Again, Delivered, Outcome
from gridtrail.notify.secrets import needed
from gridtrail.notify.text import Links, beginning, counted, facts, for_anyone, heading
from gridtrail.settings_notify import ChannelSettings
from gridtrail.triage.finding import SEVERITIES
from gridtrail.triage.words import number

_TITLE = 200
_WHY = 200
_LINE = 500
_LISTED = 10
_NARRATIVE = 700

# what went wrong is in the outcome; its other lines may hold addresses, which may hold secrets
logging.getLogger("apprise").propagate = False


class AppriseWay:
    """One address of Apprise."""

    def __init__(self, channel: ChannelSettings, home: Path, links: Links) -> None:
        self._channel = channel
        self._home = home
        self._links = links

    def send(self, message: Message) -> Outcome:
        """Hand it to the service."""
        try:
            url = needed(self._channel, "url", self._home)
        except BadSettings as error:
            return Again(str(error))
        asset = apprise.AppriseAsset(app_id="Gridtrail", async_mode=False)
        service = apprise.Apprise(asset=asset)
        if not service.add(url):
            return Again("Apprise does not know such an address: correct url.")
        title, text = worded(message, self._links)
        form = apprise.NotifyFormat.TEXT
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            done = service.notify(body=text, title=title, body_format=form)
            why = visible(" ".join(said.getvalue().split()))[:_WHY]
        if done:
            return Delivered()
        return Again(f"The service did not take it, or was not reached ({why or 'no reason'}).")


def worded(message: Message, links: Links) -> tuple[str, str]:
    """Title and text of a message."""
    if message.kind in ("digest", "work", "test"):
        lines = [str(line) for line in message.body["lines"]]
        return _shown(str(message.body["title"]), lines, [links.findings()])
    news = message.body.get("news", {})
    found = message.findings
    if len(found) == 1:
        one = found[0]
        lines = [f"{name}: {value}" for name, value in facts(one)]
        lines.append(beginning(one["narrative"], _NARRATIVE))
        return _shown(heading(one, news.get(one["id"], "")), lines, [links.finding(one)])
    worst = max((one["severity"] for one in found), key=SEVERITIES.index)
    lines = [heading(one, news.get(one["id"], "")) for one in found[:_LISTED]]
    if rest := len(found) - _LISTED:
        lines += [f"And {number(rest, 'more finding')}."] if rest > 0 else []
    return _shown(counted(len(found), worst), lines, [links.findings()])


def _shown(title: str, lines: list[str], more: list[str | None]) -> tuple[str, str]:
    text = [for_anyone(line, _LINE if len(line) < _LINE else _NARRATIVE) for line in lines if line]
    return for_anyone(title, _TITLE), "\n".join([*text, *(one for one in more if one)]) or "–"
