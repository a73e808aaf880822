"""Attacks in every field of events and findings stay text on every page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest


def _pages(attack: str) -> list[str]:
    named = [
        ("/event", {"id": f"{attack}0"}),
        ("/event/around", {"id": f"{attack}0"}),
        ("/person", {"id": attack}),
        ("/address", {"ip": attack}),
        ("/session", {"id": attack}),
        ("/file", {"id": attack}),
        ("/app", {"id": attack}),
        ("/logs", {"action": attack.replace(",", "")}),
        ("/logs/actions", {"action": attack}),
        ("/detections", {"reason": attack}),
        ("/signin", {"next": attack}),
        ("/slack/signout", {"user": attack, "reason": attack, "finding": attack}),
        ("/slack/signout", {"user": "W0MATTHEW1", "session": attack, "choice": attack}),
        ("/slack/signout/confirm", {"user": "W0MATTHEW1", "choice": attack, "reason": attack}),
        ("/responses/automatic", {"person": attack, "finding": attack}),
        ("/responses", {"user": attack, "finding": attack}),
        ("/allow/new", {"user": attack, "ua": attack, "for": attack, "reason": attack}),
        ("/allow/new", {"ua": attack, "owner": attack, "finding": attack, "expires": attack}),
        ("/allow/new", {"ua": f"{attack[:20]}*", "owner": attack, "reason": attack}),
    ]
    named += [
        (path, {name: attack})
        for path in ("/logs", "/logs/histogram", "/detections")
        for name in ("actor", "entity", "ip", "session", "ua", "app", "workspace", "text", "org")
    ]
    named += [("/findings", {name: attack}) for name in ("actor", "oldest", "org", "status")]
    plain = ["/logs", "/detections", "/findings", "/findings?status=all"]
    plain += ["/findings/F0123456789abcdef", "/event?id=anomaly-ours"]
    return plain + [f"{path}?{urlencode(values)}" for path, values in named]


@pytest.fixture(scope="module")
def pages(desk: Any, attack: str) -> dict[str, str]:
    """All pages by address."""
    found = {}
    for path in _pages(attack):
        answer = desk.get(path)
        assert answer.status_code in (200, 400, 404, 409), path
        found[path] = answer.text
    return found


def test_attacks_are_shown_and_do_nothing(pages: dict[str, str], tags_of: Any) -> None:
    """No tag, attribute or template of a stranger is in any page."""
    for path, page in pages.items():
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "alert(1)</script>" not in page, path
        for tag, attributes in tags_of(page):
            assert tag != "img" or str(attributes["src"]).startswith("/assets/"), path
            assert not any(name.startswith("on") or name == "style" for name in attributes), path
    assert sum("&lt;script&gt;alert(1)" in page for page in pages.values()) > 25


def test_characters_that_hide_or_reorder_are_named(pages: dict[str, str]) -> None:
    """Right-to-left overrides and zero-width characters are shown by their codes."""
    named = 0
    for path, page in pages.items():
        shown = page
        for start in ('value="', "<textarea"):  # forms and copies give back what was sent
            shown = "".join(_without(shown, start))
        assert "\u202e" not in shown, path
        assert "\u200b" not in shown, path
        named += "⟨U+202E⟩" in page
    assert named > 20


def _without(page: str, start: str) -> list[str]:
    end = '"' if start.endswith('"') else "</textarea>"
    first, *rest = page.split(start)
    return [first, *(part.partition(end)[2] for part in rest)]


def test_values_lead_to_their_like(desk: Any, attack: str) -> None:
    """The link of a hostile value finds the events that have it."""
    found = desk.get(f"/logs?{urlencode({'ip': attack})}").text
    assert found.count('<tr class="event') == 4
    person = desk.get(f"/person?{urlencode({'id': attack})}").text
    assert "4 events" in person


def test_a_goal_after_signing_in_is_ours(desk: Any) -> None:
    """No address of another site gets into the form."""
    for goal in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"):
        page = desk.get(f"/signin?{urlencode({'next': goal})}", None).text
        assert 'name="next" value="/"' in page
