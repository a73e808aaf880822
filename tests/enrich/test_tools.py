"""The tool list."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from gridtrail.enrich.tools import tool_in, tool_list


@pytest.mark.parametrize(
    ("text", "family", "kind", "version"),
    [
        ("curl/8.4.0", "curl", "tool", "8.4.0"),
        ("CURL/8.4.0", "curl", "tool", "8.4.0"),
        ("curl 8.4", "curl", "tool", "8.4"),
        ("Go-http-client/2.0", "Go-http-client", "tool", "2.0"),
        ("python-requests/2.31.0", "python-requests", "tool", "2.31.0"),
        ("Python/3.11 aiohttp/3.9.1", "aiohttp", "tool", "3.9.1"),
        ("Python/3.11", "Python", "tool", "3.11"),
        ("Bun/1.1.38", "Bun", "tool", "1.1.38"),
        ("colly - https://github.com/gocolly/colly", "colly", "tool", ""),
        ("Faraday v2.7.1", "Faraday", "tool", "2.7.1"),
        ("Apache-HttpClient/4.5.14 (Java/17.0.9)", "Apache-HttpClient", "tool", "4.5.14"),
        ("Scrapy/2.11.0 (+https://scrapy.org)", "Scrapy", "tool", "2.11.0"),
        (
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Slackbot-LinkExpanding",
            "bot",
            "1.0",
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Googlebot",
            "bot",
            "2.1",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/124.0.0.0 Safari/537.36",
            "HeadlessChrome",
            "tool",
            "124.0.0.0",
        ),
        (
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1",
            "WindowsPowerShell",
            "tool",
            "5.1.19041.1",
        ),
    ],
)
def test_tools_are_known(text: str, family: str, kind: str, version: str) -> None:
    """Libraries, scrapers, drivers and bots are named, the most telling name first."""
    tool = tool_in(text)
    assert tool is not None
    assert (tool.family, tool.kind, tool.version) == (family, kind, version)


@pytest.mark.parametrize(
    "text",
    [
        "Scrapers Inc",
        "curlew/1.0",
        "my requests",
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
        ),
    ],
)
def test_names_that_only_resemble_a_tool_are_none(text: str) -> None:
    """A browser, a stranger and a name that holds a tool's name are not tools."""
    assert tool_in(text) is None


def test_the_list_is_long_and_clean() -> None:
    """Several hundred names, none with a version, a slash at its end or blanks around it."""
    data = tomllib.loads(
        files("gridtrail.enrich").joinpath("data/tools.toml").read_text(encoding="utf-8")
    )
    listed = [name for names in data["names"].values() for name in names]
    assert len(tool_list().names) > 400
    assert all(name == name.strip() and "//" not in name for name in listed)
    assert tool_list().generic <= set(tool_list().names)


def test_every_listed_name_is_found_in_every_way_it_is_written() -> None:
    """Each name alone, with a version, with a comment and behind another product is a tool of its
    kind; about two thousand agents."""
    for name, (family, kind) in tool_list().names.items():
        for text in (family, f"{family}/1.2.3", f"{family}/4 (+https://stage.example)"):
            found = tool_in(text)
            assert found is not None, text
            assert found.kind in ("tool", "bot"), text
        if name in tool_list().generic or " " in family or "/" in family:
            continue
        behind = tool_in(f"Stage/1.0 {family}/2.0")
        assert behind is not None, family
        assert (behind.family, behind.kind) == (family, kind)
