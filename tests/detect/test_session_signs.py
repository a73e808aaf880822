"""The signs of a session that is used by somebody else: which one an event shows, if any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect import sessions as ss
from gridtrail.detect.contract import DAY_SECONDS, Step, arrow_schema
from gridtrail.detect.profiles import PEOPLE, known, releases
from gridtrail.detect.session_signs import (
    COMMON_DAYS,
    COMMON_PEOPLE,
    IN_FLIGHT_SECONDS,
    ODD,
    SHARED_BY,
    SIGNS,
    TENURE_DAYS,
)
from gridtrail.engine.duckdb import DuckDB

TODAY = 20_000 * DAY_SECONDS
NOON = TODAY + 43_200
LONG_AGO = TODAY - 40 * DAY_SECONDS
TABLES = (
    "today", "known", "people", "releases", ODD.name, ss.OBSERVED.name, ss.RESETS_TODAY.name,
    ss.session_resets.name, ss.session_networks.name,
)  # fmt: skip

Row = Mapping[str, Any]


def put(engine: DuckDB, name: str, schema: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Make `rows` the table `name`; what a row leaves out is null."""
    full = [{column: row.get(column) for column in schema} for row in rows]
    engine.register("_put", pa.Table.from_pylist(full, schema=arrow_schema(schema)))
    engine.keep(name, "SELECT * FROM _put")
    engine.unregister("_put")


def columns(step: Step) -> dict[str, str]:
    """The columns of a step's table."""
    return {name: str(kind) for name, kind in step.table.schema().items()}


@pytest.fixture
def office(engine: DuckDB) -> Iterator[DuckDB]:
    """ANN is here since long and knows her home; five people know the office and the gateway."""
    put(engine, "today", {"day_start": "int64"}, [{"day_start": TODAY}])
    network: dict[str, Any] = {"dimension": "network", "first_at": LONG_AGO, "days": 9}
    crowd = [
        network | {"entity": f"W{n}", "value": value, "last_at": TODAY - 1}
        for n in range(SHARED_BY)
        for value in ("office", "gateway")
    ]
    home = network | {"entity": "ANN", "value": "home", "last_at": TODAY - 1}
    put(engine, "known", known.schema, [*crowd, home])
    ann = {"subject": "ANN", "subject_type": "user", "active_days": TENURE_DAYS}
    put(engine, "people", PEOPLE, [ann])
    put(engine, "releases", releases.schema, [])
    yield engine
    for name in TABLES:
        engine.drop(name)


def odd(**more: Any) -> dict[str, Any]:
    """An event of ANN's session on her computer at the office; nothing about it is odd."""
    return {
        "day_start": TODAY, "event_id": "e1", "at": NOON, "action": "file_downloaded",
        "subject": "ANN", "subject_type": "user", "session": "1", "keyed": True,
        "place": "office", "kind": "business", "country": "US", "client": "desktop|Mac",
        "family": "Slack Desktop", "version_key": 5, "os": "macOS", "device_class": "desktop",
        "automated": False, "last_at": NOON - 60, "first_at": LONG_AGO, "birth_at": LONG_AGO,
        "birth_client": "desktop|Mac", "decreases": 0, "stepped_back": False, "moved": False,
        "returned": False, "other_place": None, "other_kind": None, "other_country": None,
        "other_at": None, "new_place": False, "client_changed": False, "out_at": 0,
    } | more  # fmt: skip


def signs(engine: DuckDB, *rows: Row) -> list[str]:
    """The signs that these events show, in order of time."""
    put(engine, ODD.name, columns(ODD), rows)
    found = engine.rows(SIGNS.relation).to_pylist()
    return [row["category"] for row in sorted(found, key=lambda row: (row["at"], row["event_id"]))]


ALIEN = {"place": "alien", "kind": "isp"}
AFTER = {"other_place": "alien", "other_kind": "isp", "other_country": "US", "other_at": NOON - 60}
BACK: dict[str, Any] = {"moved": True, "returned": True} | AFTER
ABROAD = {"other_country": "AT"}
HOSTED = {"place": "cloud", "kind": "hosting"}
NEW = {"new_place": True, "moved": True}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, None),
        # Tor is never ordinary
        (HOSTED | NEW | {"kind": "tor"}, "tor"),
        (BACK | {"other_kind": "tor"}, "tor"),
        ({"kind": "tor"}, None),
        # another client in a session
        ({"client_changed": True}, "client_changed"),
        ({"client_changed": True, "automated": True, "os": ""}, None),
        ({"client_changed": True, "automated": True, "os": ""} | ALIEN, "client_changed"),
        ({"client_changed": True, "birth_client": "curl|"}, None),
        # after the end
        ({"out_at": NOON - 30} | ALIEN, "used_after_end"),
        ({"out_at": NOON - 30}, "still_used"),
        ({"out_at": NOON - 90, "last_at": NOON - 60} | ALIEN, "still_used"),
        # in turns
        (BACK | {"other_kind": "hosting"}, "interleaved|hosted"),
        (BACK | ABROAD, "interleaved|country"),
        (BACK | ABROAD | {"other_kind": "mobile"}, "interleaved|mobile|country"),
        (BACK | ABROAD | {"device_class": "phone"}, "roaming"),
        (BACK | {"other_kind": "mobile"}, "flap"),
        (BACK, "interleaved"),
        (BACK | {"other_place": "home"}, "familiar"),
        (BACK | {"other_kind": "internal"}, "familiar"),
        # a hosting network that the organization knows is its own gateway
        (BACK | {"place": "gateway", "kind": "hosting"}, "familiar"),
        # two countries at once
        ({"moved": True} | AFTER | ABROAD | ALIEN, "two_countries"),
        ({"moved": True} | AFTER | ABROAD | ALIEN | {"other_at": NOON - 7200}, None),
        ({"moved": True} | AFTER | ALIEN, None),
        # in the middle of a session
        (HOSTED | NEW, "hosted"),
        (HOSTED | NEW | {"first_at": NOON}, None),
        (NEW | {"place": "gateway", "kind": "hosting"}, None),
        # a version going back
        ({"stepped_back": True}, "version_decreased"),
        # where the log has no session ids
        (BACK | ABROAD | {"keyed": False}, "without_session"),
        (BACK | {"keyed": False}, None),
        ({"client_changed": True, "keyed": False}, None),
    ],
)  # fmt: skip
def test_the_rarest_sign(office: DuckDB, row: Row, expected: str | None) -> None:
    """Each event shows one sign at most, and an ordinary handover none."""
    assert signs(office, odd(**row)) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (BACK, "newcomer"),
        (HOSTED | NEW, "newcomer"),
        ({"client_changed": True}, "client_changed"),
        (HOSTED | NEW | {"kind": "tor"}, "tor"),
    ],
)
def test_places_of_newcomers_say_little(office: DuckDB, row: Row, expected: str) -> None:
    """Who was active on fewer than five days has no usual places yet; clients they have."""
    ann = {"subject": "ANN", "subject_type": "user", "active_days": TENURE_DAYS - 1}
    put(office, "people", PEOPLE, [ann])
    assert signs(office, odd(**row)) == [expected]
    put(office, "people", PEOPLE, [])
    assert signs(office, odd(**row)) == [expected]


@pytest.mark.parametrize(
    ("users", "last_at", "before", "expected"),
    [
        (COMMON_PEOPLE, TODAY - 1, 0, "common_version"),
        (COMMON_PEOPLE, TODAY - 1, 1, "version_decreased"),
        (COMMON_PEOPLE - 1, TODAY - 1, 0, "version_decreased"),
        (COMMON_PEOPLE, TODAY - (COMMON_DAYS + 1) * DAY_SECONDS, 0, "version_decreased"),
    ],
)
def test_old_versions_in_common_use(
    office: DuckDB, users: int, last_at: int, before: int, expected: str
) -> None:
    """One step back to a version that three people use lately is a roll-back; a second one in the
    same session is not."""
    rows = [
        {"subject": f"W{n}", "lineage": "desktop|Mac", "version_key": 5, "last_at": last_at}
        for n in range(users)
    ]
    put(office, "releases", releases.schema, rows)
    assert signs(office, odd(stepped_back=True, decreases=before)) == [expected]


def test_networks_that_nobody_knows_well(office: DuckDB) -> None:
    """Four people, five who came together yesterday, or long ago, make no network ordinary; nor
    does one day of a person's own."""
    for people_there, first_at, last_at, expected in (
        (SHARED_BY, LONG_AGO, TODAY - 1, "familiar"),
        (SHARED_BY - 1, LONG_AGO, TODAY - 1, "interleaved"),
        (SHARED_BY, TODAY - DAY_SECONDS, TODAY - 1, "interleaved"),
        (SHARED_BY, LONG_AGO, TODAY - 31 * DAY_SECONDS, "interleaved"),
    ):
        rows: list[Row] = [
            {"entity": f"W{n}", "dimension": "network", "value": value, "days": 9,
             "first_at": first_at if value == "alien" else LONG_AGO,
             "last_at": last_at if value == "alien" else TODAY - 1}
            for n in range(SHARED_BY) for value in ("alien", "office")
            if value == "office" or n < people_there
        ]  # fmt: skip
        put(office, "known", known.schema, rows)
        assert signs(office, odd(**BACK)) == [expected], (people_there, first_at, last_at)
    office_only = [
        {"entity": f"W{n}", "dimension": "network", "value": "office", "days": 9,
         "first_at": LONG_AGO, "last_at": TODAY - 1}
        for n in range(SHARED_BY)
    ]  # fmt: skip
    own = {"entity": "ANN", "dimension": "network", "value": "alien", "last_at": TODAY - 1}
    for days, first_at, expected in (
        (2, LONG_AGO, "familiar"), (1, LONG_AGO, "interleaved"), (2, TODAY - 1, "interleaved"),
    ):  # fmt: skip
        once = {**own, "days": days, "first_at": first_at}
        put(office, "known", known.schema, [*office_only, once])
        assert signs(office, odd(**BACK)) == [expected], (days, first_at)


def test_once_an_hour(office: DuckDB) -> None:
    """The first event of a sign in each clock hour of a session; another sign and another session
    are told beside it, whatever the order of arrival."""
    rows = [
        odd(client_changed=True),
        odd(client_changed=True, event_id="e0"),
        odd(client_changed=True, at=NOON + 60, event_id="e2"),
        odd(client_changed=True, at=NOON + 3600, event_id="e3"),
        odd(event_id="e4", at=NOON + 5, **BACK),
        odd(client_changed=True, event_id="e5", session="2"),
    ]
    put(office, ODD.name, columns(ODD), rows)
    first = {row["event_id"] for row in office.rows(SIGNS.relation).to_pylist()}
    put(office, ODD.name, columns(ODD), rows[::-1])
    again = {row["event_id"] for row in office.rows(SIGNS.relation).to_pylist()}
    assert first == again == {"e0", "e3", "e4", "e5"}


# odd events -------------------------------------------------------------------------------------


def observed(**more: Any) -> dict[str, Any]:
    """An event of a session as it is observed; nothing about it is odd."""
    row = odd(place_before=None, here_before=NOON - 60, ended_at=None)
    return {name: row.get(name) for name in columns(ss.OBSERVED)} | more


def odd_events(
    engine: DuckDB,
    *rows: Row,
    ends: Sequence[Row] = (),
    networks: Sequence[Row] = (),
) -> dict[str, Any]:
    """The odd events among these, by id."""
    put(engine, ss.OBSERVED.name, columns(ss.OBSERVED), rows)
    put(engine, ss.session_resets.name, ss.session_resets.schema, [])
    put(engine, ss.RESETS_TODAY.name, columns(ss.RESETS_TODAY), ends)
    put(engine, ss.session_networks.name, ss.session_networks.schema, networks)
    return {row["event_id"]: row for row in engine.rows(ODD.relation).to_pylist()}


def mark(at: int, *parts: str) -> str:
    """Where a session was before, as it is kept."""
    return f"{at:0{ss.MARK}d}{'|'.join(parts)}"


def test_what_is_odd_at_all(office: DuckDB) -> None:
    """A move, a hosting network that the session did not have, another client than the one it
    began with, and a step back are odd; going on is not."""
    found = odd_events(
        office,
        observed(event_id="same"),
        observed(event_id="moved", moved=True, place_before=mark(NOON - 9, "home", "isp", "")),
        observed(event_id="cloud", place="cloud", kind="hosting", here_before=None),
        observed(event_id="seen", place="known", kind="hosting", here_before=None),
        observed(event_id="plain", place="cafe", kind="isp", here_before=None),
        observed(event_id="client", client="web|Windows"),
        observed(event_id="unkeyed", client="web|Windows", keyed=False),
        observed(event_id="back", stepped_back=True),
        networks=[{"subject": "ANN", "session": "1", "network": "known"}],
    )
    assert set(found) == {"moved", "cloud", "client", "back"}
    moved = found["moved"]
    assert (moved["other_place"], moved["other_kind"], moved["other_at"]) == (
        "home", "isp", NOON - 9,
    )  # fmt: skip
    assert moved["other_country"] is None
    assert found["cloud"]["new_place"] is True
    assert found["client"]["client_changed"] is True


@pytest.mark.parametrize(
    ("scope", "device", "after", "hit"),
    [
        ("all", "desktop", IN_FLIGHT_SECONDS + 1, True),
        ("all", "desktop", IN_FLIGHT_SECONDS, False),
        ("mobile", "desktop", 1000, False),
        ("mobile", "phone", 1000, True),
        ("web", "desktop", 1000, True),
        ("web", "tablet", 1000, False),
    ],
)
def test_use_after_a_reset(office: DuckDB, scope: str, device: str, after: int, hit: bool) -> None:
    """A reset ends the sessions of its devices; what was under way for five minutes is left out,
    and so is a session that began later."""
    end = {"subject": "ANN", "scope": scope, "action": "user_session_reset_by_admin"}
    ends = [end | {"reset_at": NOON - after}]
    found = odd_events(office, observed(device_class=device), ends=ends)
    assert {name: row["out_at"] for name, row in found.items()} == (
        {"e1": NOON - after} if hit else {}
    )
    assert not odd_events(office, observed(device_class=device, first_at=NOON), ends=ends)
    assert not odd_events(office, observed(device_class=device, subject="BEN"), ends=ends)


def test_use_after_a_logout(office: DuckDB) -> None:
    """A session that was logged out, today or on an earlier day, is used after its end; a log-out
    in the same second says nothing yet."""
    logout = observed(event_id="out", action=ss.LOGOUTS[0], at=NOON - 900)
    found = odd_events(office, logout, observed(event_id="later"))
    assert {name: row["out_at"] for name, row in found.items()} == {"later": NOON - 900}
    same_second = odd_events(office, {**logout, "at": NOON}, observed(event_id="later"))
    assert same_second == {}
    other = odd_events(office, {**logout, "session": "2"}, observed(event_id="later"))
    assert other == {}
    earlier = odd_events(office, observed(event_id="later", ended_at=NOON - 90_000))
    assert {name: row["out_at"] for name, row in earlier.items()} == {"later": NOON - 90_000}
