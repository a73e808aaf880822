"""Rules of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_the_command_line_gives_the_same_rules(api: Any) -> None:
    """`rules list --format json` and the API give equal JSON; the pack has no problem."""
    found = api.get("/rules")
    assert found["rules"] == api.cli("rules", "list")
    assert found["problems"] == []
    assert len(found["rules"]) > 100


def test_a_rule_comes_with_its_text(api: Any) -> None:
    """By its name and by its id; one that is not there is told so."""
    one = api.get("/rules")["rules"][0]
    found = api.get(f"/rules/{one['id']}")
    assert found == api.get(f"/rules/{one['rule']}")
    assert found["rule"] == one
    assert found["in_force"]
    assert found["text"] == Path(one["file"]).read_text("utf-8")
    assert api.call("GET", "/rules/no-such-rule").status_code == 404
