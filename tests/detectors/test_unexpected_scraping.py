"""unexpected_scraping: words for the tool."""

from __future__ import annotations

import pytest

from gridtrail.detectors.unexpected_scraping import scraping_tool


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("Go-http-client", "Go-based tool"),
        ("python-requests", "Python-based tool"),
        ("Scrapers Inc", "Scrapers Inc"),
        ("", "unknown tool"),
    ],
)
def test_scraping_tool(family: str, words: str) -> None:
    """Languages are named as Slack does, all other tools by their own name."""
    assert scraping_tool(family) == words
