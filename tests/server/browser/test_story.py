"""Matt's story as a person goes through it: from signing in to the end of his sessions."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

MATT = "Matt Pereira"


def test_from_the_door_to_the_finding(nobody: Any, email: str, password: str) -> None:
    """Whoever signs in sees Matt on top of the list, and on his page what he took, and how."""
    page = nobody.open("/")
    expect(page).to_have_title(re.compile("Sign in"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    first = page.locator(".findings > li").first
    expect(first).to_contain_text(MATT)
    expect(first).to_contain_text("high")
    first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scrapers Inc")
    main = page.locator("main")
    for words in ("Glengarry-Leads.xlsx", "never used before", "unexpected scraping"):
        expect(main).to_contain_text(words)
    page.get_by_role("link", name="All downloads around it").click()
    expect(page.locator("tr.event").first).to_contain_text("file_downloaded")


def test_signing_matt_out_ends_his_sessions_in_slack(desk: Any, slack: Any) -> None:
    """From the list over the finding to the simulated Slack: it has none of his sessions left."""
    state, _ = slack
    matt = next(one for one in state.organization.world.people if one.name == MATT)

    def sessions() -> int:
        with state.lock:
            return len(state.organization.active_sessions(matt, state.catch_up()))

    assert sessions() > 0
    page = desk.open("/findings")
    page.locator(".findings > li").first.get_by_role("link").first.click()
    page.get_by_role("link", name=re.compile("^Sign out of Slack")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MATT)
    page.get_by_label("Reason").fill("scraping")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="This will happen")).to_be_visible()
    assert sessions() > 0
    page.get_by_role("button", name="Sign out of Slack").click()
    expect(page.locator("main")).to_contain_text("Slack did it")
    expect(page.locator("main")).to_contain_text("scraping")
    assert sessions() == 0


def test_a_filter_stands_in_the_address(desk: Any) -> None:
    """What is filtered can be sent to somebody: the address alone shows the same."""
    page = desk.open("/logs")
    page.get_by_label("Actor", exact=True).fill(MATT)
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"/logs\?actor=Matt"))
    page.get_by_text("Actions", exact=True).click()
    page.get_by_placeholder("Search").fill("downloaded")
    page.get_by_label("file_downloaded", exact=True).check()
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("action=file_downloaded"))
    expect(page.locator("tr.event").first).to_be_visible()
    rows = page.locator("tr.event").all_inner_texts()
    assert all("file_downloaded" in row and MATT in row for row in rows)
    address = page.url
    other = desk.context.new_page()
    other.goto(address)
    assert other.locator("tr.event").all_inner_texts() == rows
    other.get_by_title("Drop this filter").filter(has_text="file_downloaded").click()
    expect(other).not_to_have_url(re.compile("action="))


def _tab_to(page: Page, goal: Any) -> None:
    """Press Tab until `goal` has the focus; each stop on the way can be seen."""
    for _ in range(150):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """() => {
              const at = document.activeElement;
              const style = getComputedStyle(at);
              const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
              return at === document.body || seen ? "" : at.outerHTML.slice(0, 200);
            }"""
        )
        assert shown == "", "The focus cannot be seen."
        if goal.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError("Tab never gets there.")


def test_a_verdict_needs_no_mouse(desk: Any) -> None:
    """From the list to a verdict with Tab and Enter alone, and the focus is always visible."""
    page = desk.open("/findings")
    _tab_to(page, page.locator(".findings [data-row]").last)
    page.keyboard.press("Enter")
    expect(page.locator(".crumb")).to_contain_text("Findings")
    desk.settled()
    _tab_to(page, page.get_by_role("button", name="false positive"))
    page.keyboard.press("Enter")
    expect(page.locator(".decide")).to_contain_text("closed")
    expect(page.locator(".decide .verdict").first).to_have_text("false positive")


def test_keys_walk_the_events(desk: Any) -> None:
    """j walks to a row, e opens its details, Escape and / do what the manual says."""
    page = desk.open("/logs")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator(".details-row")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator(".details-row")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Actor", exact=True)).to_be_focused()


def test_the_theme_is_kept(desk: Any) -> None:
    """The switch beats the system's choice, on the next page too."""
    page = desk.open("/findings")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    desk.open("/logs")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
