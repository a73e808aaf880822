"""Messages as Slack's blocks, within Slack's limits.

Whatever comes out of an event stands in plain text objects, in which Slack knows no markup, and is
escaped all the same. Limits: docs.slack.dev, reference of Block Kit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.notify.message import Message
from gridtrail.notify.text import Links, beginning, counted, facts, for_slack, heading
from gridtrail.triage.finding import SEVERITIES
from gridtrail.triage.words import number

HEADER = 150
SECTION = 3_000
FIELD = 2_000
FIELDS = 10
BLOCKS = 50
URL = 3_000
FALLBACK = 4_000

_NARRATIVE = 700
_LISTED = 10
_LINES = 40

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Slack takes: `text` is shown where blocks are not."""

    text: str
    blocks: list[Block]


def rendered(message: Message, links: Links) -> Rendered:
    """The message."""
    if message.kind in ("digest", "work", "test"):
        return _lines(message.body, links)
    news = message.body.get("news", {})
    if len(message.findings) == 1:
        finding = message.findings[0]
        return _one(finding, heading(finding, news.get(finding["id"], "")), links)
    return _several(message.findings, news, links)


def _one(finding: Mapping[str, Any], title: str, links: Links) -> Rendered:
    fields = [_plain(f"{name}: {value}", FIELD // 4) for name, value in facts(finding)]
    blocks: list[Block] = [
        {"type": "header", "text": _plain(title, HEADER)},
        {"type": "section", "fields": fields[:FIELDS]},
    ]
    if story := beginning(finding["narrative"], _NARRATIVE):
        blocks.append({"type": "section", "text": _plain(story, SECTION)})
    said = f"{finding['id']} of {finding['org']}, score {finding['score']:.1f}"
    blocks.append({"type": "context", "elements": [_plain(said, FIELD)]})
    buttons = [
        _button("Open the finding", links.finding(finding), "open_finding"),
        _button("All findings", links.findings(finding["org"]), "all_findings"),
    ]
    if shown := [one for one in buttons if one is not None]:
        blocks.append({"type": "actions", "elements": shown})
    return Rendered(for_slack(title, FALLBACK), blocks)


def _several(
    findings: Sequence[Mapping[str, Any]], news: Mapping[str, str], links: Links
) -> Rendered:
    worst = max((one["severity"] for one in findings), key=SEVERITIES.index)
    title = counted(len(findings), worst)
    blocks: list[Block] = [{"type": "header", "text": _plain(title, HEADER)}]
    for place, finding in enumerate(findings[:_LISTED]):
        told = heading(finding, news.get(finding["id"], ""))
        about = "; ".join(f"{name}: {value}" for name, value in facts(finding)[:4])
        block: Block = {"type": "section", "text": _plain(f"{told} ({about})", SECTION // 4)}
        button = _button("Open", links.finding(finding), f"open_finding_{place}")
        blocks.append(block | ({"accessory": button} if button else {}))
    rest = findings[_LISTED:]
    if rest:
        counts = {level: sum(one["severity"] == level for one in rest) for level in SEVERITIES}
        said = ", ".join(f"{count} {level}" for level, count in reversed(counts.items()) if count)
        more = f"And {number(len(rest), 'more finding', 'more findings')}: {said}."
        blocks.append({"type": "section", "text": _plain(more, SECTION)})
    if button := _button("All findings", links.findings(), "all_findings"):
        blocks.append({"type": "actions", "elements": [button]})
    return Rendered(for_slack(title, FALLBACK), blocks)


def _lines(body: Mapping[str, Any], links: Links) -> Rendered:
    title, lines = str(body["title"]), [str(line) for line in body["lines"]]
    blocks: list[Block] = [{"type": "header", "text": _plain(title, HEADER)}]
    for line in lines[:_LINES]:
        blocks.append({"type": "section", "text": _plain(line, SECTION // 4)})
    if len(lines) > _LINES:
        more = f"And {number(len(lines) - _LINES, 'more line')}."
        blocks.append({"type": "section", "text": _plain(more, SECTION)})
    if button := _button("Open Gridtrail", links.findings(), "all_findings"):
        blocks.append({"type": "actions", "elements": [button]})
    return Rendered(for_slack(title, FALLBACK), blocks)


def _plain(text: str, most: int) -> Block:
    # Slack refuses empty text; without emoji no `:name:` becomes a picture
    return {"type": "plain_text", "text": for_slack(text, most) or "–", "emoji": False}


def _button(label: str, url: str | None, action: str) -> Block | None:
    if url is None or len(url) > URL:
        return None
    return {"type": "button", "text": _plain(label, 75), "url": url, "action_id": action}
