"""People are called by their newest name of the month."""

from __future__ import annotations

from typing import Any

from gridtrail.server.console.names import names_of


def test_the_newest_name_of_the_month_counts(new_data: Any, make_event: Any, noon: int) -> None:
    """Who did nothing in that time, or has no name, is left out; so is another organization."""
    data, day = new_data(), 86_400
    older, other, nameless = (make_event(f"e{n}", n * day, actor=f"W{n}") for n in (0, 1, 2))
    newer = make_event("newer", day, actor="W0")
    newer["actor"]["user"]["name"] = "Matthew"
    nameless["actor"]["user"]["name"] = ""
    data.fill([older, other, nameless, newer])
    people = ["W0", "W1", "W2", "W9", None, "W0"]
    assert names_of(data.lake, "E0ACME", people, noon + 3 * day) == {"W0": "Matthew", "W1": "Matt"}
    assert names_of(data.lake, "E0ACME", people, noon) == {"W0": "Matt"}
    assert names_of(data.lake, "E0ACME", people, noon + 32 * day) == {"W0": "Matthew", "W1": "Matt"}
    assert names_of(data.lake, "E0ACME", people, noon + 90 * day) == {}
    assert names_of(data.lake, "E0OTHER", people, noon + 3 * day) == {}
    assert names_of(data.lake, "E0ACME", [], noon) == {}
