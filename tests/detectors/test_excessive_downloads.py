"""excessive_downloads: words for how many times as many."""

from __future__ import annotations

import pytest

from gridtrail.detectors.excessive_downloads import times_words


@pytest.mark.parametrize(
    ("count", "usual", "words"),
    [
        (412, 120, "3.5 times as many files"),
        (400, 200, "2 times as many files"),
        (139, 6, "23 times as many files"),
    ],
)
def test_times_words(count: int, usual: int, words: str) -> None:
    """Halves below ten, whole numbers above."""
    assert times_words(count, usual) == words
