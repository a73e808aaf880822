"""The page of settings shows what is in force, to admins and owners."""

from __future__ import annotations

from typing import Any


def test_the_page_shows_settings_and_narrows_to_what_was_set(desk: Any) -> None:
    """All are listed with their help; those that nobody set can be left out."""
    page = desk.get("/settings", "admin").text
    assert 'id="detect.budget_per_1000_users_day"' in page
    assert "Nominal number of emitted anomalies" in page
    narrow = desk.get("/settings?only=set").text
    assert 'id="org"' in narrow
    assert 'id="server.port"' not in narrow


def test_a_file_that_would_not_start_is_told(desk: Any) -> None:
    """While the server goes on with its settings, the page says that a start would fail."""
    file = desk.settings.data / "gridtrail.toml"
    file.write_text("[server]\nport = 99999\n")
    try:
        assert "would not start again" in desk.get("/settings").text
        file.write_text("[server]\nport = 4711\n")
        page = desk.get("/settings?only=set").text
        assert "1 setting changed since" in page
        assert "Now 4711" in page
    finally:
        file.unlink()
