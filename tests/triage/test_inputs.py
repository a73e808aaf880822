"""What findings are made of: only what changed is computed again, and nothing else differs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.settings import Settings
from gridtrail.settings_policy import PolicySettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage
from gridtrail.triage.store import FindingStore

Acme = Any
Triaged = Callable[..., list[Finding]]

PEOPLE = ("W0MATT", "W0ANN", "W0BEN")
REASONS = ("ip_address", "user_agent", "excessive_downloads", "session_fingerprint", "tor")


def mark(settings: Settings) -> None:
    """Write on every stored finding that it was not computed again."""
    with FindingStore(settings.state) as store, store.update() as update:
        made = update.computed_from("E0ACME")
        for one in update.read(list(made)).values():
            update.save(dataclasses.replace(one, title="as it was"), made[one.id].inputs)


def again(found: list[Finding]) -> list[str]:
    """Who was computed again."""
    return sorted(one.actor_ids[0] for one in found if one.title != "as it was")


def test_only_what_changed_is_computed_again(
    acme: Acme, triaged: Triaged, settings: Settings, lake: Lake, engine: DuckDB
) -> None:
    """A new anomaly, a response, a late event and a setting touch the findings they concern."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann", "session_id": "7", "ip": "198.51.100.21"}
    old = acme.anomaly("a1", acme.NOON - 5 * acme.DAY, "user_agent", **ann)
    triaged([*acme.usual(), old, acme.anomaly("m1", acme.NOON, "user_agent")])
    mark(settings)
    assert again(triaged()) == []
    later = {"actor_id": "W0BEN", "session_id": "8"}
    assert again(triaged([acme.event("q", acme.NOON + 3 * 3_600, **later)])) == []
    assert again(triaged([acme.event("r", acme.NOON + 60, **later)])) == ["W0MATT"]
    mark(settings)
    assert again(triaged([acme.anomaly("m2", acme.NOON + 90, "tor")])) == ["W0MATT"]
    mark(settings)
    reset = {"entity_type": "user", "entity_id": "W0ANN", "actor_id": "USLACKUSER"}
    at = acme.NOON + 4 * 3_600
    assert again(triaged([acme.event("s", at, "user_deactivated", **reset)])) == ["W0ANN"]
    mark(settings)
    late = acme.event("t", acme.NOON - 9 * acme.DAY, **later)
    assert again(triaged([late])) == ["W0ANN", "W0MATT"]
    mark(settings)
    changed = settings.model_copy(update={"policy": PolicySettings(forbidden_clients=["x"])})
    assert again(triage(lake, engine, changed)) == ["W0ANN", "W0MATT"]
    mark(settings)
    assert again(triage(lake, engine, changed, every=True)) == ["W0ANN", "W0MATT"]


def rows_of(acme: Acme, parts: list[tuple[int, int, int, int]]) -> list[dict[str, Any]]:
    """One row for each (kind, person, hours before noon, reason)."""
    rows = []
    for number, (kind, person, hours, reason) in enumerate(parts):
        own = {"actor_id": PEOPLE[person], "actor_name": "P", "session_id": str(person)}
        at = acme.NOON - hours * 3_600
        if kind == 0:
            rows.append(acme.anomaly(f"x{number}", at, REASONS[reason], **own))
        elif kind == 1:
            rows.append(acme.download(f"x{number}", at, f"f{reason}", **own))
        else:
            gone = {"entity_type": "user", "entity_id": PEOPLE[person], "actor_id": "W0BOSS"}
            rows.append(acme.event(f"x{number}", at, "user_deactivated", **gone))
    return rows


PARTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 400), st.integers(0, 4)),
    min_size=3,
    max_size=15,
)


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=PARTS, cuts=st.lists(st.integers(1, 14), max_size=2))
def test_step_by_step_is_as_all_at_once(
    acme: Acme,
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[int, int, int, int]],
    cuts: list[int],
) -> None:
    """Whatever came between two runs, the findings are those of one full run."""
    rows = rows_of(acme, parts)
    home = tmp_path_factory.mktemp("a")
    engine = DuckDB(threads=1)
    lake = Lake(home / "lake", engine)
    steps = Settings(data=home / "steps", threads=1)
    edges = sorted({0, *(cut for cut in cuts if cut < len(rows)), len(rows)})
    found: list[Finding] = []
    for start, end in itertools.pairwise(edges):
        append(lake, engine, rows[start:end])
        found = triage(lake, engine, steps)
    full = triage(lake, engine, Settings(data=home / "full", threads=1))
    engine.close()
    assert [without_id(one) for one in found] == [without_id(one) for one in full]


def append(lake: Lake, engine: DuckDB, rows: list[dict[str, Any]]) -> None:
    engine.register("incoming", pa.Table.from_pylist(rows, schema=EVENTS))
    lake.append_events("incoming")
    engine.unregister("incoming")


def without_id(finding: Finding) -> Finding:
    # what arrives late keeps the id of the finding that it joins
    return dataclasses.replace(finding, id="")


def test_a_finding_that_falls_apart(acme: Acme, triaged: Triaged, settings: Settings) -> None:
    """The earlier part keeps the finding; the other goes on with its assignee, and says so."""
    first, second = acme.NOON, acme.NOON + 40 * 3_600
    anew = acme.anomaly("y", second, "user_agent", session_id="1003")
    triaged([acme.anomaly("x", first, "user_agent"), anew])
    with FindingStore(settings.state) as store:
        (one, two) = sorted(store.select(), key=lambda f: f.first_seen)
        whole = dataclasses.replace(one, event_ids=("x", "y"))
        with store.update() as update:
            update.save(whole)  # as an older version had joined them
            update.merge(two.id, one.id)
        store.decide(one.id, status="investigating")
        store.assign(one.id, "dana")
    found = {f.event_ids: f for f in triaged()}
    assert found[("x",)].id == one.id
    part = found[("y",)]
    assert (part.id != one.id, part.status, part.assignee) == (True, "investigating", "dana")
    with FindingStore(settings.state) as store:
        assert [note.text for note in store.notes(part.id)] == [f"Was part of {one.id}."]
        assert store.get(two.id).id == one.id
