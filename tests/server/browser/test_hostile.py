"""Attacks in every field of events drive all pages in Chromium, and nothing happens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gridtrail.server.console.places import PLACES

_ELSEWHERE = "/signin/openid"  # leads to the provider of the settings, and there is none here
_PAGES = [one for one in PLACES if one.method == "GET" and not one.path.startswith(_ELSEWHERE)]
_HIDDEN = re.compile(
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff"
    "\\ue000-\\uf8ff]"
)


@pytest.fixture(scope="module")
def found(crawl: Any, hostile: str) -> dict[str, list[Any]]:
    """Addresses of each place, found by following the links between hostile pages."""
    answers: dict[str, list[Any]] = crawl(f"/findings?org={hostile}", most=3)
    return answers


def test_strangers_pages_are_found(found: dict[str, list[Any]]) -> None:
    """Most places have something hostile to show, and none breaks over it."""
    told = [path for path, answers in found.items() if any("__ran" in a.text for a in answers)]
    assert {"/findings", "/findings/{finding_id}", "/logs", "/event", "/person", "/file"} <= {*told}
    broken = [(a.path, a.status) for answers in found.values() for a in answers if a.status >= 500]
    assert broken == []


@pytest.mark.parametrize("place", _PAGES, ids=lambda one: one.path)
def test_attacks_do_nothing(found: dict[str, list[Any]], place: Any, desk: Any) -> None:
    """No script runs, no dialog opens, no template is filled in, hidden characters are shown by
    their codes, and the page keeps its width."""
    for answer in found[place.path]:
        if not answer.whole or answer.status != 200:
            continue
        page = desk.open(answer.path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        desk.settled()
        assert page.evaluate("window.__ran") is None, answer.path
        text = page.evaluate("document.body.innerText")
        assert _HIDDEN.findall(text) == [], answer.path
        assert str(7 * 191) not in text, answer.path
        assert desk.overflow() == [], answer.path
        page.set_viewport_size({"width": 375, "height": 800})
        assert desk.overflow() == [], answer.path
        page.set_viewport_size({"width": 1280, "height": 900})
