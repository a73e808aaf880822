"""The pages of rules list, show and try them."""

from __future__ import annotations

from typing import Any

import pytest

NAME = "slack_account_reactivated"
PATH = f"/rules/{NAME}"
ORG = "E0RULES"


@pytest.fixture(scope="module")
def ruled(desk: Any, make_event: Any) -> Any:
    """The desk with an organization in which an account was switched on again, twice."""
    user = {"type": "user", "user": {"id": "W0GUEST", "name": "Guest", "email": "g@x.example"}}
    plain = make_event("plain", 0)
    found = [
        make_event(f"again-{n}", n * 86_400, action="user_reactivated") | {"entity": user}
        for n in (1, 3)
    ]
    desk.data.fill([plain, *found], ORG)
    return desk


def test_the_list_narrows_by_its_address(ruled: Any) -> None:
    """Text, level, tag and state; nothing of it is a dead end."""
    every = ruled.get("/rules").text
    assert NAME in every
    assert "Rules never ran" in every
    for query, there in (
        ("text=reactivated", True),
        ("text=reactivated+nonsense", False),
        ("level=low", True),
        ("level=critical", False),
        ("tag=attack.t1098", True),
        ("state=off", False),
        ("hits=some", False),
    ):
        assert (NAME in ruled.get(f"/rules?{query}").text) == there, query
    assert "No rule matches" in ruled.get("/rules?text=%3Cscript%3E").text


def test_the_page_of_a_rule_has_its_text_cases_and_techniques(ruled: Any) -> None:
    """The file as it is, what proves it, and where ATT&CK describes it; by name or id."""
    page = ruled.get(PATH).text
    assert "- guest_reactivated" in page
    assert 'href="https://attack.mitre.org/techniques/T1098/" rel="noreferrer noopener"' in page
    assert "a new account" in page
    assert "Somebody who comes back" in page
    assert ruled.get("/rules/874bd039-d057-4007-88eb-a84089c61095").text.count(
        "Account switched on"
    )
    assert ruled.get("/rules/nonsense").status_code == 404
    assert 'name="from"' not in ruled.get(PATH, "audit_logs_admin").text


def test_a_backtest_shows_what_it_would_have_hit(ruled: Any) -> None:
    """In the chosen time alone; nothing is written, and the page tells of the last try."""
    cookie = ruled.sign_in("admin")
    before = ruled.data.lake.day_counts(ORG)
    form = {"from": "2023-11-14", "to": "2023-11-30"}
    path = f"{PATH}/backtest?org={ORG}"
    assert "<b>2 hits</b>" in ruled.post(path, form, cookie=cookie).text
    narrow = ruled.post(path, form | {"to": "2023-11-17"}, cookie=cookie).text
    assert "<b>1 hit</b>" in narrow
    assert "id=again-1" in narrow
    assert "<bdi>Matt</bdi>" in narrow
    assert ruled.data.lake.day_counts(ORG) == before
    page = ruled.get(f"{PATH}?org={ORG}").text
    assert "Last tried by A admin" in page
    assert "1 hit from 2023-11-14 to 2023-11-17" in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "is no time"),
        ({"from": "2023-11-15", "to": "2023-11-14"}, "ends before it begins"),
        ({"from": "2023-01-01", "to": "2023-12-31"}, "92 days at most"),
    ],
)
def test_what_cannot_be_tried_is_said_in_the_page(
    ruled: Any, form: dict[str, str], said: str
) -> None:
    """The answer is a part of the page, so that the form shows it."""
    answer = ruled.post(f"{PATH}/backtest", form, cookie=ruled.sign_in("admin"))
    assert answer.status_code == 200
    assert said in answer.text
    assert answer.text.lstrip().startswith('<div id="backtest"')
