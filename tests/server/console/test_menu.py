"""The menu leads to places, each for whom it is."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.server.console.menu import MENU
from gridtrail.server.console.places import PLACES
from gridtrail.server.roles import ROLES, permits

_ENTRIES = [one for group in MENU for one in group.entries]


@pytest.mark.parametrize("entry", _ENTRIES, ids=lambda one: one.key)
def test_an_entry_leads_to_a_place_of_the_same_permission(desk: Any, entry: Any) -> None:
    """Who sees it may open it, and its page says that it is here."""
    (place,) = [one for one in PLACES if (one.method, one.path) == ("GET", entry.path)]
    assert place.permission == entry.permission
    page = desk.get(entry.path).text
    assert f'href="{entry.path}" aria-current="page">{entry.name}<' in page


@pytest.mark.parametrize("role", ROLES)
def test_nobody_sees_what_is_not_for_them(desk: Any, role: str) -> None:
    """The menu of a role has the entries that it permits and no others."""
    page = desk.get("/findings", role).text
    nav = page.partition('aria-label="Places"')[2].partition("</nav>")[0]
    for one in _ENTRIES:
        assert (f'href="{one.path}"' in nav) == permits(role, one.permission), one.path
    assert "<summary" in nav or role != "owner"
    for group in MENU:
        seen = any(permits(role, one.permission) for one in group.entries)
        assert (f">{group.name}</summary>" in nav) == (seen and bool(group.name))
