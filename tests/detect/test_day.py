"""Who an event belongs to, and whether it teaches what is usual for somebody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.detect.day import day_events_expression
from gridtrail.detect.stage import ORG, event_rows, second_of, slack_event, stage_settings
from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.dimensions import refresh
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

Placed = Callable[..., dict[str, Any]]
START = second_of(0)


def day_row(
    engine: DuckDB, lake: Lake, settings: Settings, event: dict[str, Any]
) -> dict[str, Any] | None:
    """The row of `day_events` that an event makes."""
    engine.register("_one_event", event_rows([event], ORG))
    engine.view("day_raw", "SELECT * FROM _one_event")
    refresh(lake, engine, "day_raw", settings)
    engine.keep("today", f"SELECT {START}::BIGINT AS day_start")
    rows: list[dict[str, Any]] = engine.rows(day_events_expression()).to_pylist()
    return rows[0] if rows else None


@pytest.fixture
def placed(engine: DuckDB, new_lake: Callable[[], Lake], settings: Settings) -> Placed:
    """The row of an event given as to `slack_event`, changed by `change`."""

    def place(
        action: str = "file_downloaded",
        change: Callable[[dict[str, Any]], object] = lambda event: None,
        **options: Any,
    ) -> dict[str, Any]:
        event = slack_event(START + 60, "ben", action, **options)
        change(event)
        row = day_row(engine, new_lake(), settings, event)
        assert row is not None
        return row

    return place


def test_own_session(placed: Placed) -> None:
    """A person's event with a client of people is the person's, and teaches."""
    row = placed()

    assert (row["subject"], row["subject_type"]) == ("W0BEN", "user")
    assert row["own"]
    assert row["teaches"]
    assert (row["network"], row["client_kind"], row["team"]) == ("AS64500", "desktop", "T0STAGE")
    assert row["day_start"] == START


def test_app(placed: Placed) -> None:
    """An event made through an app belongs to the app and teaches nothing of its owner."""
    row = placed(app="A0SYNC")

    assert (row["subject"], row["subject_type"]) == ("A0SYNC", "app")
    assert row["actor_id"] == "W0BEN"
    assert not row["own"]
    assert not row["teaches"]


def test_bot(placed: Placed) -> None:
    """A bot user is judged as an app."""
    row = placed(bot=True)

    assert (row["subject"], row["subject_type"], row["own"]) == ("W0BEN", "app", False)


@pytest.mark.parametrize(("kind", "own"), [("INVITED", False), ("KICKED", False), ("JOINED", True)])
def test_context_of_others(placed: Placed, kind: str, own: bool) -> None:
    """Who was invited or removed did not act: the context is the other one's."""
    assert placed("user_channel_join", details={"type": kind})["own"] is own


def test_invited_elsewhere_in_the_details(placed: Placed) -> None:
    """A channel that is called INVITED makes nobody invited."""
    name = 'INVITED, "type":"INVITED"'
    row = placed("user_channel_join", details={"type": "JOINED", "name": name, "inviter": None})

    assert row["own"]
    assert not placed("user_channel_join", details={"inviter": {"id": "W0ANN"}})["own"]


@pytest.mark.parametrize("who", ["USLACKUSER", "USLACKSECURITY"])
def test_nobody(placed: Placed, who: str) -> None:
    """Slack's placeholders for nobody are no people."""
    row = placed(change=lambda event: event["actor"]["user"].update(id=who))

    assert (row["subject_type"], row["own"]) == ("app", False)


def test_tool(placed: Placed) -> None:
    """A tool in a person's own session is judged as the person's but does not teach; signing in
    does."""
    used, signed_in = placed(client="python"), placed("user_login", client="python")

    assert (used["own"], used["teaches"], used["automated"]) == (True, False, True)
    assert signed_in["teaches"]


def test_no_address(placed: Placed) -> None:
    """Without an address it is not known from where, so it is not counted as the own session."""
    row = placed(place="")

    assert (row["own"], row["network"], row["ip"]) == (False, None, None)


def test_no_user_agent(placed: Placed) -> None:
    """Without a user agent nothing is said of the client."""
    row = placed(client="none")

    assert (row["own"], row["teaches"], row["family"], row["automated"]) == (
        True,
        False,
        None,
        False,
    )


def test_anomalies_and_nobody_stay_out(
    engine: DuckDB, new_lake: Callable[[], Lake], settings: Settings
) -> None:
    """What detectors said must not teach them, and an event without an actor judges nobody."""
    said = slack_event(START, "ben", "anomaly", details={"reason": ["tor"]})
    nobody = slack_event(START, "ben", "user_login")
    nobody["actor"] = {"type": "user", "user": {}}

    assert day_row(engine, new_lake(), settings, said) is None
    assert day_row(engine, new_lake(), settings, nobody) is None


def test_kind_at_the_time(
    engine: DuckDB, new_lake: Callable[[], Lake], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An address is of a listed kind only as long as it stood on the list."""
    settings = stage_settings(tmp_path_factory.mktemp("timed"))
    listed = settings.data / "timed.txt"
    listed.write_text(f"198.18.1.7 {START + 100} {START + 200}\n", encoding="utf-8")
    settings.enrich.tor_lists = [listed]

    kinds = []
    for second in (99, 100, 199, 200):
        event = slack_event(START + second, "ben", "user_login")
        row = day_row(engine, new_lake(), settings, event)
        kinds.append(row and row["address_kind"])

    assert kinds == ["unknown", "tor", "tor", "unknown"]


def test_tls_traits(placed: Placed) -> None:
    """TLS fingerprints in an event's details are read as such, and nothing else is."""
    given = {"client_ja3_fingerprint": "3f2a9c1d", "client_ja4_fingerprint": "t13d_85_b2"}
    row, other = placed(details=given), placed(details={"client_ja3_fingerprint": "' OR 1"})

    assert (row["ja3"], row["ja4"]) == ("3f2a9c1d", "t13d_85_b2")
    assert (other["ja3"], other["ja4"]) == (None, None)
    assert placed()["ja3"] is None


def test_build(placed: Placed) -> None:
    """A row shows the Chrome and Electron of a desktop client, and what a forged one breaks."""
    row = placed(client="Mozilla/5.0 (Windows NT 10.0) Slack_SSB/4.36.140")

    assert (placed()["chrome_major"], placed()["electron_major"]) == (140, 38)
    assert (row["well_formed"], row["defect"]) == (False, "no_applewebkit")


@pytest.mark.parametrize(
    ("place", "kind", "ioc", "asn", "teaches"),
    [
        ("tor", "tor", None, None, False),
        ("former tor", "residential", None, None, True),
        ("ioc", "hosting", "feed", None, False),
        ("former ioc", "residential", None, None, True),
        ("bulletproof", "hosting", None, "bulletproof", True),
        ("once bulletproof", "unknown", None, None, True),
    ],
)
def test_lists(
    placed: Placed, place: str, kind: str, ioc: str | None, asn: str | None, teaches: bool
) -> None:
    """Lists hold as of the event's time; a Tor exit or a malicious address becomes no habit."""
    row = placed(place=place)

    assert (row["address_kind"], row["ioc_list"], row["asn_list"]) == (kind, ioc, asn)
    assert row["teaches"] is teaches


def test_gridtrails_own_trail_is_not_judged(
    engine: DuckDB, new_lake: Callable[[], Lake], settings: Settings
) -> None:
    """What people do in Gridtrail is kept beside Slack's events and teaches no detector."""
    event = slack_event(START + 60, "ben", "user_login")
    assert day_row(engine, new_lake(), settings, event) is not None
    engine.view("day_raw", "SELECT * REPLACE ('gridtrail' AS source) FROM _one_event")
    assert engine.rows(day_events_expression()).num_rows == 0
