"""The query page runs, shows, exports and keeps; all of it is in the trail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import Trail
from gridtrail.server.console.query import EXAMPLES, chart_of
from gridtrail.server.queries import Answer

COUNT = "SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC"


def _trail(desk: Any, action: str) -> list[str]:
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    found = desk.data.lake.newest(EventFilter(actions=(action,), org="E0ACME")).to_pylist()
    return [row["details"] for row in found]


def test_a_link_shows_a_query_and_does_not_run_it(desk: Any) -> None:
    """Whoever is sent an address decides whether to run what it holds."""
    page = desk.get("/query?sql=SELECT+%3Cb%3E").text
    assert "SELECT &lt;b&gt;</textarea>" in page
    assert 'id="result"' not in page
    assert '<summary class="code">anomalies</summary>' in page


def test_a_result_is_a_table_and_a_chart(desk: Any, attack: str) -> None:
    """Strangers' text in it is escaped and visible; the trail has the query."""
    answer = desk.post("/query", {"sql": COUNT}, cookie=desk.sign_in("audit_logs_admin"))
    assert answer.status_code == 200
    assert "n by action" in answer.text
    assert 'class="one"' in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
    assert "⟨U+202E⟩" in answer.text
    assert any("GROUP BY action" in details for details in _trail(desk, "gridtrail_query_run"))


def test_a_mistake_is_told_beside_the_query(desk: Any) -> None:
    """The text stays where it was; the message says what to write instead."""
    answer = desk.post("/query", {"sql": "SELECT * FROM accounts"}, cookie=desk.sign_in("owner"))
    assert answer.status_code == 400
    assert "There is no table" in answer.text
    assert "SELECT * FROM accounts</textarea>" in answer.text
    long = desk.post("/query", {"sql": "x" * 20_001}, cookie=desk.sign_in("owner"))
    assert long.status_code == 400


def test_an_export_holds_the_rows(desk: Any) -> None:
    """CSV disarms formulas, JSON is an array of objects; both are in the trail."""
    owner = desk.sign_in("owner")
    sql = "SELECT '=1+1' AS a, 7 AS n UNION ALL SELECT 'b', 8 ORDER BY n"
    csv = desk.post("/query/export", {"sql": sql, "format": "csv"}, cookie=owner)
    assert csv.text == "a,n\r\n'=1+1,7\r\nb,8\r\n"
    assert "attachment" in csv.headers["content-disposition"]
    found = desk.post("/query/export", {"sql": sql, "format": "json"}, cookie=owner)
    assert json.loads(found.text) == [{"a": "=1+1", "n": 7}, {"a": "b", "n": 8}]
    for kind in ("csv", "json"):
        kept = _trail(desk, f"audit_logs_export_{kind}_started")
        assert any("UNION ALL" in details for details in kept)
    many = {"sql": "SELECT * FROM range(100001)", "format": "csv"}
    assert "more than 100,000 rows" in desk.post("/query/export", many, cookie=owner).text
    wrong = {"sql": "SELECT 1", "format": "exe"}
    assert desk.post("/query/export", wrong, cookie=owner).status_code == 400


def test_a_kept_query_is_everybodys_to_use_and_its_owners_to_delete(desk: Any) -> None:
    """Colleagues open it; only who kept it, or an owner, deletes it."""
    author, other = desk.sign_in("audit_logs_admin"), desk.sign_in("admin")
    form = {"sql": COUNT, "name": "Most <i>usual</i>"}
    kept = desk.post("/query/saved", form, cookie=author)
    address = kept.headers["location"]
    page = desk.get(address, "admin").text
    assert "GROUP BY action" in page
    assert "Most &lt;i&gt;usual&lt;/i&gt;" in page
    found = re.search(r"saved=(Q[0-9a-f]+)", address)
    assert found is not None
    path = f"/query/saved/{found[1]}"
    assert desk.post(path, {}, cookie=other).status_code == 403
    assert desk.get(address).status_code == 200
    assert desk.post(path, {}, cookie=author).status_code == 303
    assert desk.get(address).status_code == 404
    assert _trail(desk, "gridtrail_query_saved")
    assert _trail(desk, "gridtrail_query_deleted")
    nameless = desk.post("/query/saved", {"sql": COUNT, "name": ""}, cookie=author)
    assert nameless.status_code == 400
    assert "GROUP BY action" in nameless.text


@pytest.mark.parametrize(("title", "text"), EXAMPLES)
def test_every_example_runs(desk: Any, title: str, text: str) -> None:
    """What the page offers to begin with is a query that it takes."""
    form = {"sql": text.format(org="E0ACME")}
    answer = desk.post("/query", form, cookie=desk.sign_in("owner"))
    assert answer.status_code == 200, title
    assert 'id="result"' in answer.text


def _answer(rows: list[list[Any]], numeric: list[bool]) -> Answer:
    return Answer(["a", "b"], numeric, rows, False, 0.1)


def test_a_chart_is_drawn_where_it_says_something() -> None:
    """One column of numbers, some rows, nothing below zero; else there is none."""
    chart = chart_of(_answer([["x", 1], ["y", 3], ["z", None]], [False, True]))
    assert chart is not None
    assert (chart.label, chart.most, chart.ends) == ("b by a", 3, ("x", "z"))
    alone = chart_of(_answer([[2, 1], [4, 3]], [True, True]))
    assert alone is not None
    assert alone.label == "a"
    for rows in ([["x", 1]], [["x", 1], ["y", -1]], [["x", 1], ["y", float("nan")]]):
        assert chart_of(_answer(rows, [False, True])) is None
    assert chart_of(_answer([["x", "y"], ["x", "y"]], [False, False])) is None
