"""Every page of the console: accessible, in light and dark, wide and narrow, and quiet."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from gridtrail.server.console.places import PLACES

_ELSEWHERE = "/signin/openid"  # leads to the provider of the settings, and there is none here
_PAGES = [one for one in PLACES if one.method == "GET" and not one.path.startswith(_ELSEWHERE)]
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def found(crawl: Any) -> dict[str, list[Any]]:
    """The addresses found by following links from the first page, by place."""
    answers: dict[str, list[Any]] = crawl("/")
    return answers


# one row is as good as another to axe, and hundreds take it long
_FEWER = """() => document.querySelectorAll("tbody tr:nth-child(n+9), ol > li:nth-child(n+9)")
  .forEach((one) => one.remove())"""

_NEXT_FRAME = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


def _axe(page: Any, options: dict[str, Any]) -> list[str]:
    result = page.evaluate(f"axe.run({json.dumps(options)})")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:200]} "
        f"{[check['message'] for check in node['any']]}"
        for one in result["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("place", _PAGES, ids=lambda one: one.path)
def test_a_place_is_linked_and_answers(found: dict[str, list[Any]], place: Any) -> None:
    """Somebody who starts at the first page gets there, and it is not broken."""
    assert found[place.path], "No page leads to it."
    assert [one for one in found[place.path] if one.status >= 400] == []


@pytest.mark.parametrize("place", _PAGES, ids=lambda one: one.path)
def test_a_page_is_for_everybody(found: dict[str, list[Any]], place: Any, desk: Any) -> None:
    """axe finds nothing serious in light and dark, and a telephone need not scroll sideways."""
    shown = [one.path for one in found[place.path] if one.whole]
    for address in shown:
        page = desk.open(address)
        assert desk.overflow() == []
        page.set_viewport_size({"width": 375, "height": 800})
        assert desk.overflow() == []
        page.evaluate(_NEXT_FRAME)
        page.evaluate(_FEWER)
        page.evaluate(_AXE)
        assert _axe(page, {"runOnly": ["scrollable-region-focusable"]}) == []
        page.set_viewport_size({"width": 1280, "height": 900})
        assert _axe(page, {}) == []
        page.emulate_media(color_scheme="dark")
        assert _axe(page, {"runOnly": ["color-contrast"]}) == []
