"""Text for people: what a stranger wrote can be read, and does nothing.

What would hide, reorder or join text is shown by its code, everything stands on one line, and no
service takes a piece of it for a mention of everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gridtrail.export.visible import visible
from gridtrail.settings import Settings
from gridtrail.triage.words import listed, moment, number

_MENTION = re.compile(r"@(?=(?:everyone|here|channel|all|room|online)\b)", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NEWS = {"created": "", "raised": "now ", "updated": ""}
_SENTENCE = re.compile(r"(?<=[.!?”])\s+(?=[A-Z“])")


def cut(text: str, most: int) -> str:
    """`text` in at most `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def for_slack(text: str, most: int) -> str:
    """`text` for Slack, visible and escaped, in at most `most` characters as Slack counts them.

    Escaped are &, < and >, with which Slack's mentions, channels and links begin
    (docs.slack.dev, "Formatting message text").
    """
    pieces, length = [], 0
    shown = visible(text)
    for character in shown:
        piece = _ENTITIES.get(character, character)
        if length + len(piece) > most - 1:
            break
        pieces.append(piece)
        length += len(piece)
    whole = len(pieces) == len(shown)
    return "".join(pieces) + ("" if whole else "…")


def for_anyone(text: str, most: int) -> str:
    """`text` for services with syntax of their own: no mention of everybody, no tags."""
    plain = _MENTION.sub("(at)", visible(text)).replace("<", "‹").replace(">", "›")
    return cut(plain, most)


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses in the console; `base` is "" when nobody said where it is."""

    base: str
    org: str

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Those of an installation."""
        base = settings.console.url or settings.server.public_url
        return cls(base.rstrip("/"), settings.org)

    def finding(self, finding: Mapping[str, Any]) -> str | None:
        """The page of a finding."""
        return self._link(f"/findings/{quote(str(finding['id']), safe='')}", finding["org"])

    def findings(self, org: str | None = None) -> str | None:
        """The list of findings."""
        return self._link("/findings", org or self.org)

    def _link(self, path: str, org: str) -> str | None:
        if not self.base:
            return None
        return self.base + path + ("" if org == self.org else "?" + urlencode({"org": org}))


def heading(finding: Mapping[str, Any], news: str = "created") -> str:
    """How bad it is and what it is."""
    over = ""
    if finding.get("merged_into"):
        over = ", part of another"
    elif finding["status"] != "open":
        verdict = finding.get("verdict")
        over = f", {finding['status']}" + (f" as {words(verdict)}" if verdict else "")
    return f"{_NEWS.get(news, '')}{finding['severity']}".upper() + f"{over}: {finding['title']}"


def facts(finding: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to know at a glance: names and values, worst first."""
    first, last = finding["first_seen"], finding["last_seen"]
    when = moment(first) if first == last else f"{moment(first)} to {moment(last)}"
    reasons = [words(one) for one in finding["reasons"]] + list(finding["rules"])
    told = [
        ("When", when),
        ("Who", _some(finding["actor_ids"])),
        ("Reasons", _some(reasons)),
        ("Addresses", _some(finding["ips"])),
        ("Distinct files", str(finding["files"]) if finding["files"] else ""),
        ("Anomalies and rule hits", str(finding["anomalies"])),
        ("Looked after by", finding.get("assignee") or ""),
        ("Part of", finding.get("merged_into") or ""),
    ]
    return [(name, value) for name, value in told if value]


def beginning(narrative: str, most: int) -> str:
    """The first sentences of a narrative, as many as fit into `most` characters."""
    kept = ""
    for sentence in _SENTENCE.split(narrative):
        if kept and len(kept) + 1 + len(sentence) > most:
            break
        kept = f"{kept} {sentence}".strip()
    return cut(kept, most)


def counted(findings: int, worst: str) -> str:
    """The heading of several."""
    return f"{number(findings, 'finding')}, the worst is {worst}"


def words(code: str) -> str:
    """A name with underscores as words."""
    return code.replace("_", " ")


def _some(values: list[str], most: int = 5) -> str:
    rest = len(values) - most
    return listed([*values[:most], *([f"{rest} more"] if rest > 0 else [])])
