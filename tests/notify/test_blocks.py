"""Messages as Slack's blocks."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.notify.blocks import BLOCKS, FIELD, HEADER, SECTION, URL, rendered
from gridtrail.notify.message import Message
from gridtrail.notify.text import Links

LINKS = Links("https://g.example", "E0ACME")
HOSTILE = st.text(
    st.one_of(
        st.sampled_from(list("<>&!@#|*_~`:\u202e\u200b\u2066\u115f\0\n\r\ud800")), st.characters()
    ),
    max_size=400,
)
SOME = st.lists(HOSTILE, max_size=8)
FINDINGS = st.fixed_dictionaries(
    {
        "id": st.text("F0123456789abcdef/?#%", min_size=1, max_size=20),
        "org": st.sampled_from(["E0ACME", "E0OTHER"]),
        "title": HOSTILE,
        "narrative": HOSTILE.map(lambda text: text * 20),
        "score": st.floats(0, 200),
        "severity": st.sampled_from(["low", "medium", "high", "critical"]),
        "status": st.sampled_from(["open", "closed"]),
        "verdict": st.sampled_from([None, "expected"]),
        "assignee": st.none() | HOSTILE,
        "actor_ids": SOME,
        "ips": SOME,
        "reasons": SOME,
        "rules": SOME,
        "files": st.integers(0, 10**9),
        "anomalies": st.integers(0, 10**9),
        "first_seen": st.integers(-(2**40), 2**60),
        "last_seen": st.integers(-(2**40), 2**60),
        "merged_into": st.sampled_from([None, "F1"]),
    }
)


def message(kind: Any, body: dict[str, Any]) -> Message:
    """A message with this body."""
    return Message("m", 1, "c", kind, "waiting", None, None, (), 0, body, 1, 1, 1, None, "", None)


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text object of blocks: the key it stands under, its type and text."""
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            yield key, value["type"], value["text"]
        for name, one in value.items():
            yield from texts(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, key)


@settings(max_examples=60)
@given(st.lists(FINDINGS, min_size=1, max_size=30, unique_by=lambda one: one["id"]))
def test_whatever_a_stranger_writes_slack_takes_it_and_it_does_nothing(
    findings: list[dict[str, Any]],
) -> None:
    """Every text is plain, escaped, visible, never empty and within Slack's limits; every link
    leads to the console."""
    shown = rendered(message("several", {"findings": findings, "news": {}}), LINKS)
    assert 1 <= len(shown.blocks) <= BLOCKS
    limits = {"fields": FIELD, "elements": FIELD, "text": SECTION}
    for key, kind, text in texts(shown.blocks):
        assert kind == "plain_text"
        assert 1 <= len(text) <= limits[key]
        assert "<" not in text
        assert ">" not in text
        assert text.count("&") == sum(text.count(f"&{one};") for one in ("amp", "lt", "gt"))
        assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs") for one in text)
    assert len(shown.blocks[0]["text"]["text"]) <= HEADER
    assert "<" not in shown.text
    urls = [one for block in shown.blocks for one in addresses(block)]
    assert urls
    assert all(one.startswith("https://g.example/findings") for one in urls)
    assert all(len(one) <= URL for one in urls)


def addresses(block: dict[str, Any]) -> list[str]:
    """The addresses of a block's buttons."""
    buttons = [*block.get("elements", ()), block.get("accessory", {})]
    return [one["url"] for one in buttons if "url" in one]


def test_a_mention_of_everybody_is_text() -> None:
    """Slack's own syntax in a file's name is shown as it is written."""
    found: dict[str, Any] = {
        **dict.fromkeys(("id", "org", "title", "narrative"), "<!channel> & <@U1|x>"),
        "score": 1.0, "severity": "high", "status": "open", "verdict": None, "assignee": None,
        "actor_ids": [], "ips": [], "reasons": [], "rules": [], "files": 0, "anomalies": 1,
        "first_seen": 0, "last_seen": 0, "merged_into": None,
    }  # fmt: skip
    shown = rendered(message("created", {"findings": [found], "news": {}}), Links("", "E"))
    assert shown.text == "HIGH: &lt;!channel&gt; &amp; &lt;@U1|x&gt;"
    assert html.unescape(shown.blocks[0]["text"]["text"]) == "HIGH: <!channel> & <@U1|x>"
    assert not any(one["type"] == "actions" for one in shown.blocks)  # nobody said where it is


@given(st.lists(HOSTILE, max_size=60), HOSTILE)
def test_lines_of_a_digest_stay_within_the_limits(lines: list[str], title: str) -> None:
    """However many they are."""
    shown = rendered(message("digest", {"title": title, "lines": lines}), LINKS)
    assert len(shown.blocks) <= BLOCKS
    assert all(1 <= len(text) <= SECTION for _, _, text in texts(shown.blocks))
