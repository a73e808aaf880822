"""The allow list in the console: listed with what each entry silences, ended, put in the trail."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.state import SILENCED
from gridtrail.lake.query import EventFilter
from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.respond.trail import Trail


@pytest.fixture
def kept(desk: Any) -> Iterator[AllowList]:
    """The desk's allow list, which ends empty."""
    with AllowList(desk.settings.state) as store:
        yield store
        now = time.time()
        store.end([one.id for one in store.all() if one.state(now) == "active"], "test")


def add(kept: AllowList, **terms: Any) -> str:
    """Allow something; the entry's id."""
    now = int(time.time())
    made, _ = draft(owner="net <b>", reason="the office", now=now, since=now, **terms)
    return kept.add(made).id


def silence(desk: Any, name: str, ago: int) -> None:
    """Have detection keep an anomaly silent because of the entry of that name."""
    at = int(time.time()) - ago
    day = dt.datetime.fromtimestamp(at, dt.UTC).date()
    row = dict.fromkeys(SILENCED.schema.names) | {
        "org": "E0ACME", "day": day, "at": at, "detector": "ip_address", "subject": "W0MATTHEW1",
        "event_id": "plain-001", "why": f"allowed: {name}", "score_millinats": 5000,
        "words": "<i>odd</i> address",
    }  # fmt: skip
    table = pa.Table.from_pylist([row], schema=SILENCED.schema)
    desk.data.lake.write(SILENCED, table, replace={"org": "E0ACME", "day": day})


def test_each_entry_says_how_much_it_silences(desk: Any, kept: AllowList) -> None:
    """Anomalies of the last thirty days are counted; the entry's page names them."""
    entry = add(kept, cidr="198.51.100.0/24", reasons=("ip_address",))
    name = kept.get(entry).name
    silence(desk, name, 3_600)
    silence(desk, name, 40 * 86_400)
    page = desk.get("/allow", "audit_logs_admin").text
    line = page.partition(f'href="/allow/{entry}"')[2].partition("</tr>")[0]
    assert "net &lt;b&gt;" in line
    assert '<td data-name="Silenced" class="n">1</td>' in line
    assert "Allow something" not in page  # no role for it
    own = desk.get(f"/allow/{entry}", "audit_logs_admin").text
    assert own.count("&lt;i&gt;odd&lt;/i&gt; address") == 2
    assert "Remove it" not in own
    assert desk.get("/allow/none").status_code == 404


def test_removing_ends_an_entry_and_is_kept(desk: Any, kept: AllowList) -> None:
    """Twice is once; the trail says who it was; it is listed among those that ended."""
    entry = add(kept, asn=64500)
    for _ in range(2):
        answer = desk.post(f"/allow/{entry}", {}, cookie=desk.cookies["admin"])
        assert answer.headers["location"] == f"/allow/{entry}"
    assert kept.get(entry).removed_by == "admin@acme.example"
    assert entry not in desk.get("/allow").text
    assert entry in desk.get("/allow?all=1").text
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    wanted = EventFilter(actions=("gridtrail_allow_entry_removed",), entity=entry)
    (told,) = desk.data.lake.newest(wanted).to_pylist()
    assert told["actor_email"] == "admin@acme.example"
