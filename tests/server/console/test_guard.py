"""What stands around every page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gridtrail.respond.trail import Trail

PAGES = (
    "/findings",
    "/findings/F0123456789abcdef",
    "/logs",
    "/logs/actions",
    "/logs/histogram",
    "/event?id=plain-001",
    "/event/around?id=plain-001",
    "/detections",
    "/person?id=W0MATTHEW1",
    "/address?ip=203.0.113.7",
    "/session?id=12177102026566",
    "/file?id=F0GLENGARRY",
    "/app?id=A0BACKUP",
    "/slack/signout?user=W0MATTHEW1",
    "/slack/signout/confirm?user=W0MATTHEW1&choice=all",
    "/responses",
    "/responses/automatic",
    "/allow",
    "/allow/new",
    "/allow/new?user=W0MATTHEW1&cidr=203.0.113.7",
    "/allow/slack",
    "/people",
    "/tokens",
    "/settings",
    "/detectors",
    "/status",
    "/query",
    "/rules",
    "/rules/slack_account_reactivated",
    "/detectors/excessive_downloads",
)


@pytest.mark.parametrize("path", [*PAGES, "/signin", "/assets/htmx.js", "/findings/F9"])
def test_every_answer_forbids_foreign_and_inline_code(desk: Any, path: str) -> None:
    """The policy allows our own files alone; errors and assets carry it too."""
    answer = desk.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    kept = "immutable" if path.startswith("/assets") else "no-store"
    assert kept in answer.headers["cache-control"]


@pytest.mark.parametrize("path", [*PAGES, "/signin"])
def test_no_page_has_inline_code_or_style(desk: Any, tags_of: Any, path: str) -> None:
    """Pages work under the policy: no inline script, handler or style, and nothing from afar."""
    page = desk.get(path).text
    tags = tags_of(page)
    assert tags
    for tag, attributes in tags:
        assert tag not in ("style", "iframe", "object", "base")
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag == "a" and attributes.get("rel") == "noreferrer noopener":
            assert str(attributes.pop("href")).startswith("https://")  # to read about something
        for name in ("src", "href", "action", "hx-get", "hx-post", "formaction"):
            assert str(attributes.get(name, "/"))[:1] in ("/", "#")
        assert tag != "script" or set(attributes) == {"src", "defer"}
    assert all(part.startswith("</script>") for part in re.split(r"<script[^>]*>", page)[1:])


def test_a_form_needs_the_token_of_its_session(desk: Any) -> None:
    """No token, another session's token or another site: nothing happens."""
    path, cookie = "/findings/F0123456789abcdef", desk.sign_in("owner")
    others = desk.csrf(desk.sign_in("owner"))
    form = {"status": "investigating"}
    assert desk.post(path, {**form, "csrf": ""}, cookie=cookie).status_code == 403
    assert desk.post(path, {**form, "csrf": others}, cookie=cookie).status_code == 403
    assert desk.post(path, form, cookie=cookie, sec_fetch_site="cross-site").status_code == 403
    assert desk.post(path, form, cookie=cookie, origin="http://evil.example").status_code == 403
    assert desk.post(path, form, cookie=cookie, origin="null").status_code == 403
    assert 'status open">open' in desk.get(path).text


def test_a_foreign_site_cannot_sign_anybody_in(desk: Any) -> None:
    """The open forms are refused when another site sends them."""
    form = {"email": "owner@acme.example", "password": "x"}
    assert desk.post("/signin", form, sec_fetch_site="cross-site").status_code == 403


def test_a_piece_of_a_page_is_answered_so_that_the_page_goes_to_sign_in(desk: Any) -> None:
    """htmx follows HX-Redirect; a redirect would put the form into the page."""
    desk.client.cookies.clear()  # of another test's sign-in
    answer = desk.get("/findings/list", None, hx_request="true")
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/signin"


def test_too_large_a_form_is_refused(desk: Any) -> None:
    """A form has a bounded size and number of fields."""
    cookie = desk.sign_in("owner")
    large = desk.post("/findings/F0123456789abcdef", {"note": "x" * 70_000}, cookie=cookie)
    assert large.status_code == 400
    many = desk.post("/signin", {f"f{n}": "" for n in range(101)})
    assert many.status_code == 400
    assert "fewer" in many.text


def test_strangers_choose_no_organization(desk: Any) -> None:
    """What can name no organization is refused, and a failed sign-in is kept under ours."""
    assert desk.get("/logs?org=../x").status_code == 400
    form = {"email": "nobody@acme.example", "password": "x"}
    assert desk.post("/signin?org=E0EVIL", form).status_code == 401
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    assert "E0EVIL" not in desk.data.lake.organizations()
