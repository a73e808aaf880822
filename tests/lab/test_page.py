from __future__ import annotations

from collections.abc import Callable

from gridtrail.lab.outcome import Outcome
from gridtrail.lab.page import page
from gridtrail.lab.quality import quality


def test_page(made: Callable[..., Outcome]) -> None:
    """The page has the command, what it does not prove, and whole tables."""
    text = page(quality([made(8)]), "gridtrail evaluate --seed 8")
    assert "```sh\ngridtrail evaluate --seed 8\n```" in text
    assert "## What this does not prove" in text
    assert "1 organizations, 100 people, 5,000 events, 3,000 user-days" in text
    assert "| 8 | medium: A \\| title | W0ANN | harmless_burst; by excessive_downloads |" in text
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("| ")]
    assert len(blocks) == 8
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block if line}) == 1
