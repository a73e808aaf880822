"""The stories a finding has to tell, from events in a lake to findings in the store."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage
from gridtrail.triage.store import FindingStore

Acme = Any  # the makers of conftest
Triaged = Callable[..., list[Finding]]

HOSTILE = "\x1b[31m\u202e“'; DROP TABLE findings;--</script>\x00\r\n=1+1" + "x" * 3_000


def test_matts_story_is_one_high_finding(acme: Acme, triaged: Triaged) -> None:
    """Two anomalies of Matt's own scraping make one high finding that says what happened."""
    found = triaged(acme.usual() + acme.scraping() + acme.two_anomalies())
    assert len(found) == 1
    (matt,) = found
    assert matt.title == "Matt Salesman's Slack is being scraped with Scrapers Inc"
    assert matt.severity == "high"
    assert matt.event_ids == ("x1", "x2")
    assert matt.reasons == ("excessive_downloads", "unexpected_scraping", "user_agent")
    assert (matt.first_seen, matt.last_seen) == (acme.NOON + 250, acme.NOON + 320)
    for piece in ("Scrapers Inc", "Glengarry-Leads.xlsx", "40 distinct files", "198.51.100.20"):
        assert piece in matt.narrative


def test_matts_context_folds_repeats(acme: Acme, triaged: Triaged) -> None:
    """Files are counted once, the file that says most stands first, runs are merged."""
    login = acme.event("born", acme.NOON - 21 * acme.DAY)
    (matt,) = triaged([login, *acme.usual(), *acme.scraping(), *acme.two_anomalies()])
    assert matt.context["people"] == [
        {"id": "W0MATT", "name": "Matt Salesman", "email": "matt@acme.example"}
    ]
    files = matt.context["files"]
    assert files["downloads"] == {"events": 42, "distinct": 40}
    assert files["listed"][0]["name"] == "Glengarry-Leads.xlsx"
    assert files["listed"][0]["other_people"] == 0
    shared = next(one for one in files["listed"] if one["name"] == "report 1.pdf")
    assert shared["other_people"] == 1  # Ann's
    (client,) = [one for one in matt.context["clients"] if not one["expected"]]
    assert (client["ua"], client["family"], client["people"]) == ("Scrapers Inc",) * 2 + (1,)
    assert client["known_since"] is None
    (address,) = matt.context["addresses"]
    assert address["known_since"] is not None
    actions = [(run["action"], run["events"]) for run in matt.context["timeline"]]
    assert actions == [
        ("file_downloaded", 40),
        ("anomaly", 1),
        ("file_downloaded", 2),
        ("anomaly", 1),
        ("public_channel_preview", 1),
    ]
    (session,) = matt.context["sessions"]
    assert (session["born"], session["born_as"]) == (acme.NOON - 21 * acme.DAY, "user_login")
    assert session["logins"] == 0  # it began long before the window


def test_matts_history_is_right(acme: Acme, triaged: Triaged) -> None:
    """What is usual counts distinct files by active day, before the finding's first day."""
    (matt,) = triaged(acme.usual() + acme.scraping() + acme.two_anomalies())
    counts = matt.history["counts"]["file_downloaded"]
    assert counts["observed"] == {
        "events": 42,
        "distinct": 40,
        "busiest_day": 40,
        "busiest_hour": 40,
    }
    # 20 days of 1, 2 and 3 files, each downloaded twice
    assert counts["person"] == {
        "active_days": 20,
        "day_median": 2,
        "day_most": 3,
        "hour_median": 2,
        "hour_most": 3,
    }
    assert counts["organization"] == {"person_days": 40, "p50": 4, "p99": 5, "most": 5}
    anomalies = matt.history["anomalies"]
    assert (anomalies["days"], anomalies["person_total"], anomalies["most_in_a_day"]) == (20, 0, 2)


def test_exports_by_apps_are_not_what_people_do(acme: Acme, triaged: Triaged) -> None:
    """What an app or a bot downloads does not count as the organization's people."""
    export = [
        acme.download(
            f"e{n}", acme.NOON - acme.DAY, f"export {n}", actor_id="W0EVE", app_id="A0EDISCOVERY"
        )
        for n in range(50)
    ]
    bot = [
        acme.download(
            f"b{n}",
            acme.NOON - acme.DAY,
            f"sync {n}",
            actor_id="W0BOT",
            actor_email="botuser-T0-A0@slack-bots.example",
        )
        for n in range(50)
    ]
    (matt,) = triaged(acme.usual() + export + bot + acme.scraping() + acme.two_anomalies())
    counts = matt.history["counts"]["file_downloaded"]
    assert counts["organization"] == {"person_days": 40, "p50": 4, "p99": 5, "most": 5}


def test_contexts_of_others_are_not_the_persons_own(acme: Acme, triaged: Triaged) -> None:
    """An invitation's client and address belong to the inviter, an app's to the app."""
    bot = {"ua": "Slack Ruby Client/2.1.0", "ip": "203.0.113.99", "session_id": "9"}
    joined = acme.event("j", acme.NOON, "user_channel_join", details={"type": "INVITED"}, **bot)
    app = acme.event("k", acme.NOON, "file_shared", app_id="A0SYNC", **bot)
    (matt,) = triaged(acme.usual() + acme.scraping() + acme.two_anomalies() + [joined, app])
    assert "203.0.113.99" not in [one["ip"] for one in matt.context["addresses"]]
    assert bot["ua"] not in [one["ua"] for one in matt.context["clients"]]
    assert "9" not in [one["id"] for one in matt.context["sessions"]]
    assert "Ruby" not in matt.narrative


def test_with_an_unusual_access_it_is_a_stolen_session(acme: Acme, triaged: Triaged) -> None:
    """An address and a session anomaly beside the scraping make it critical and put it on top."""
    own = {"ip": "203.0.113.9"}
    ben = {"actor_id": "W0BEN", "actor_name": "Ben", "session_id": "7", "ua": "Scrapers Inc"}
    found = triaged(
        acme.usual()
        + acme.scraping(**own)
        + acme.two_anomalies(**own)
        + [acme.anomaly("x3", acme.NOON + 90, "ip_address", "session_fingerprint", **own)]
        + [acme.anomaly("b1", acme.NOON, "unexpected_scraping", "user_agent", **ben)]
        + [acme.anomaly("b2", acme.NOON + 9, "excessive_downloads", **ben)]
    )
    assert [one.severity for one in found] == ["critical", "high"]
    assert found[0].title.startswith("Stolen session: Matt Salesman's")
    assert len(found[0].event_ids) == 3
    assert "telephone" in " ".join(found[0].advice)


def test_slacks_four_anomalies_are_one_critical_finding(acme: Acme, triaged: Triaged) -> None:
    """The chain of four events with six reasons is one finding, with nothing but Slack's word."""
    own = {"ip": "203.0.113.77", "ua": "Go-http-client/2.0"}
    late = {"details": {"action_timestamp": acme.NOON * 1_000_000}}
    rows = [acme.download(f"d{n}", acme.NOON + n, f"plan {n}.pdf", **own) for n in range(30)]
    (one,) = triaged(
        [
            *rows,
            acme.anomaly("s1", acme.NOON + 60, "excessive_downloads", **own, **late),
            acme.anomaly("s2", acme.NOON + 600, "asn", "ip_address", **own, **late),
            acme.anomaly("s3", acme.NOON + 900, "session_fingerprint", **own, **late),
            acme.anomaly("s4", acme.NOON + 950, "unexpected_user_agent", "user_agent", **own),
        ]
    )
    assert one.severity == "critical"
    assert one.title == "Stolen session: Matt Salesman's Slack is being scraped with Go-http-client"
    assert len(one.reasons) == 6


def test_a_harmless_burst_stays_low(acme: Acme, triaged: Triaged) -> None:
    """One excessive-downloads anomaly is low, even when its p-value says it is very rare."""
    evidence = {"gridtrail": {"detector": "excessive_downloads", "p_value": "4.1e-12"}}
    burst = [acme.download(f"d{n}", acme.NOON + n, f"photo {n}.jpg") for n in range(60)]
    (one,) = triaged(
        acme.usual()
        + burst
        + [acme.anomaly("x", acme.NOON + 70, "excessive_downloads", details=evidence)]
    )
    assert one.severity == "low"
    assert one.score == 14.778  # 14 of the evidence, and the decimal logarithm of 60 / 10 files
    assert one.title == "Matt Salesman downloaded unusually many files"


def test_a_single_tor_anomaly_is_medium(acme: Acme, triaged: Triaged) -> None:
    """A Tor exit alone is medium, an unusual address alone is low."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann", "session_id": "7"}
    found = triaged(
        [
            *acme.usual(),
            acme.anomaly("x", acme.NOON, "tor"),
            acme.anomaly("y", acme.NOON, "ip_address", ip="192.0.2.8", **ann),
        ]
    )
    assert [(one.actor_ids[0], one.severity) for one in found] == [
        ("W0MATT", "medium"),
        ("W0ANN", "low"),
    ]


def test_more_than_anybody_ever_had_is_worth_a_look(acme: Acme, triaged: Triaged) -> None:
    """Four harmless anomalies in a day are medium where nobody had more than three, else low."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann"}
    before = [
        acme.anomaly(f"a{n}", acme.NOON - 9 * acme.DAY + n, "excessive_downloads", **ann)
        for n in range(3)
    ]
    today = [acme.anomaly(f"m{n}", acme.NOON + n, "excessive_downloads") for n in range(4)]
    found = triaged(acme.usual() + before + today[:3])
    assert [one.severity for one in found] == ["low", "low"]
    found = triaged(today[3:])
    assert [(one.severity, one.title) for one in found if "W0MATT" in one.actor_ids] == [
        ("medium", "Matt Salesman raised 4 anomalies in a day, more than anyone before")
    ]


def test_two_people_are_two_findings(acme: Acme, triaged: Triaged) -> None:
    """Harmless bursts of two people at one address with one client are not joined."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann", "session_id": "7"}
    found = triaged(
        [
            acme.anomaly("x", acme.NOON, "excessive_downloads"),
            acme.anomaly("y", acme.NOON + 1, "excessive_downloads", **ann),
        ]
    )
    assert sorted(one.actor_ids for one in found) == [("W0ANN",), ("W0MATT",)]


def test_one_session_of_two_people_is_one_finding(acme: Acme, triaged: Triaged) -> None:
    """Who shares a session belongs together; both are named, each is counted for themselves."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann"}
    (one,) = triaged(
        [
            acme.anomaly("x", acme.NOON, "excessive_downloads"),
            acme.anomaly("y", acme.NOON + 1, "session_fingerprint", **ann),
        ]
    )
    assert set(one.actor_ids) == {"W0ANN", "W0MATT"}
    assert "Ann" in one.narrative
    assert "Matt" in one.narrative


def test_several_people_at_one_odd_place_are_one_finding(acme: Acme, triaged: Triaged) -> None:
    """Three people with odd addresses in one range make one finding that says so; two make one
    without that pattern, and an address elsewhere stays apart."""

    def at(number: int, ip: str) -> Any:
        who = {"actor_id": f"W{number}", "actor_name": f"P{number}", "session_id": str(number)}
        return acme.anomaly(f"x{number}", acme.NOON + number, "ip_address", ip=ip, **who)

    rows = [at(1, "203.0.113.5"), at(2, "203.0.113.99"), at(4, "203.0.112.5")]
    pair, alone = sorted(triaged(acme.usual() + rows), key=lambda one: -len(one.actor_ids))
    assert (pair.actor_ids, alone.actor_ids) == (("W1", "W2"), ("W4",))
    assert pair.severity == alone.severity == "low"
    three, _ = triaged([at(3, "203.0.113.7")])
    assert three.title == "3 people used Slack from one unusual network"
    assert three.actor_ids == ("W1", "W2", "W3")
    assert three.severity in ("medium", "high")


def test_what_several_people_do_is_no_chain(acme: Acme, triaged: Triaged) -> None:
    """One person's odd address and another's scraping at the same place are no stolen session."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann", "session_id": "7", "ip": "203.0.113.9"}
    own = {"ip": "203.0.113.9"}
    found = triaged(
        acme.usual()
        + acme.scraping(**own)
        + acme.two_anomalies(**own)
        + [acme.anomaly("y", acme.NOON - 60, "ip_address", ua="Scrapers Inc", **ann)]
    )
    (one,) = found
    assert one.title == "Matt Salesman's Slack is being scraped with Scrapers Inc"
    assert one.actor_ids == ("W0MATT", "W0ANN")


def test_an_apps_anomaly_is_about_the_app(acme: Acme, triaged: Triaged) -> None:
    """The finding names the app, not the person it works for, and shows the app's own client."""
    app = {"entity_type": "app", "entity_id": "A0SYNC", "entity_name": "Sync"}
    work = {"app_id": "A0SYNC", "ua": "Sync/1.0", "ip": "203.0.113.5", "session_id": None}
    rows = [acme.download(f"d{n}", acme.NOON + n, f"f{n}", **work) for n in range(30)]
    rows.append(
        acme.anomaly("x", acme.NOON + 60, "excessive_downloads", "ip_address", **{**work, **app})
    )
    (one,) = triaged(acme.usual() + rows)
    assert one.actor_ids == ("A0SYNC",)
    assert one.title == "The app Sync does what it never did"
    assert [client["ua"] for client in one.context["clients"]] == ["Sync/1.0"]
    assert one.context["files"]["downloads"]["distinct"] == 30


def test_organizations_do_not_mix(acme: Acme, triaged: Triaged) -> None:
    """The same actor id in two organizations is two findings; `org` chooses one."""
    other = acme.anomaly("x", acme.NOON, "tor", org="E0OTHER")
    found = triaged([acme.anomaly("x", acme.NOON, "tor"), other])
    assert sorted(one.org for one in found) == ["E0ACME", "E0OTHER"]
    assert [one.org for one in triaged(org="E0OTHER")] == ["E0OTHER"]


def test_a_late_anomaly_joins_and_keeps_the_finding(
    acme: Acme, triaged: Triaged, settings: Settings
) -> None:
    """An anomaly that arrives later and happened earlier changes neither id nor verdict."""
    (first,) = triaged(acme.usual() + acme.two_anomalies())
    with FindingStore(settings.data / "state.db") as store:
        store.decide(first.id, verdict="expected")
        store.add_note(first.id, "dana", "agreed with sales", at=5)
    (second,) = triaged([acme.anomaly("x0", acme.NOON - 500, "tor")])
    assert (second.id, second.status, second.verdict) == (first.id, "closed", "expected")
    assert second.event_ids == ("x0", "x1", "x2")
    assert second.severity == "critical"
    assert second.advice[0].startswith("Look again: 1 more anomaly came after this was closed")
    with FindingStore(settings.data / "state.db") as store:
        assert [note.text for note in store.notes(first.id)] == ["agreed with sales"]


def test_an_anomaly_between_two_findings_merges_them(
    acme: Acme, triaged: Triaged, settings: Settings
) -> None:
    """Two findings 40 hours apart become the older one; the younger's id still finds it."""
    apart = 40 * 3_600
    found = triaged(
        [
            acme.anomaly("x", acme.NOON, "user_agent"),
            acme.anomaly("y", acme.NOON + apart, "user_agent", session_id="1003"),
        ]
    )
    older, younger = sorted(found, key=lambda one: one.first_seen)
    assert (older.event_ids, younger.event_ids) == (("x",), ("y",))
    (merged,) = triaged([acme.anomaly("z", acme.NOON + apart // 2, "user_agent")])
    assert (merged.id, merged.event_ids) == (older.id, ("x", "z", "y"))
    with FindingStore(settings.data / "state.db") as store:
        assert store.get(younger.id).id == older.id
        assert len(store.select()) == 1


def test_the_range_chooses_findings_and_never_changes_them(acme: Acme, triaged: Triaged) -> None:
    """A range that touches one anomaly of a finding gives the whole finding, the same as ever."""
    early = acme.anomaly("e", acme.NOON - 9 * acme.DAY, "tor")
    every = triaged(acme.usual() + acme.two_anomalies() + [early])
    part = triaged(oldest=acme.NOON + 300, latest=acme.NOON + 400)
    assert len(every) == 2
    assert part == [one for one in every if "x1" in one.event_ids]


def test_hostile_strings_shape_nothing(acme: Acme, triaged: Triaged) -> None:
    """Control characters, quotes, wrong types and endless texts end up as one line of text."""
    wrong: dict[str, Any] = {
        "action_timestamp": [1],
        "scraping_tool": {"a": 1},
        "gridtrail": {"p_value": {"x": 1}, "deciding_events": [1, None, HOSTILE], "words": HOSTILE},
    }
    names = {key: HOSTILE.replace("\x00", "") for key in ("actor_name", "actor_id", "session_id")}
    hostile = {**names, "ip": "not an address", "ua": HOSTILE.replace("\x00", "")}
    file = {"entity_id": None, **hostile}
    (one,) = triaged(
        [
            acme.download("d", acme.NOON, HOSTILE.replace("\x00", ""), **file),
            acme.anomaly("x", acme.NOON, HOSTILE, "unexpected_scraping", details=wrong, **hostile),
            acme.anomaly("y", acme.NOON, details="[1]", **hostile),
            acme.anomaly("z", acme.NOON, "tor", details='{"gridtrail": 7}', **hostile),
        ]
    )
    paragraphs = one.narrative.split("\n")
    assert len(paragraphs) <= 5
    for text in (one.title, *paragraphs, *one.advice):
        assert text.isprintable()
        assert "\u202e" not in text
    assert len(one.title) < 300
    assert "gridtrail signout" not in " ".join(one.advice)
    assert one.context["files"]["listed"][0]["name"].isprintable()
    assert Finding.from_json(orjson.loads(orjson.dumps(one.to_json()))) == one


def test_an_anomaly_that_names_nobody_stands_alone(acme: Acme, triaged: Triaged) -> None:
    """Without actor and entity two anomalies are two findings; an entity can stand in."""
    nobody: dict[str, Any] = dict.fromkeys(("actor_id", "actor_name", "actor_email"))
    app = {**nobody, "entity_type": "app", "entity_id": "A0APP"}
    found = triaged(
        [
            acme.anomaly("x", acme.NOON, "tor", **nobody),
            acme.anomaly("y", acme.NOON, "tor", **nobody, ip="192.0.2.8", session_id="8"),
            acme.anomaly("z", acme.NOON, "unexpected_credential_testing", session_id="9", **app),
        ]
    )
    assert sorted(one.actor_ids for one in found) == [(), (), ("A0APP",)]


def test_evidence_counts_and_is_told(acme: Acme, triaged: Triaged) -> None:
    """A p-value raises its own family's share, and the detector's sentence is in the narrative."""
    evidence = {
        "detector": "unexpected_scraping",
        "p_value": "1e-5",
        "words": "40 files in 200 s; usual is 2 a day",
        "deciding_events": ["t0"],
    }
    rows = acme.two_anomalies()
    rows[0] |= {"details": orjson.dumps({"gridtrail": evidence}).decode(), "source": "gridtrail"}
    (one,) = triaged(acme.usual() + acme.scraping() + rows)
    families = one.history["score"]["families"]
    assert families["scraping"] == pytest.approx(11.513)
    assert families["client"] < 8
    assert "40 files in 200 s" in one.narrative
    assert one.context["window"]["from"] == acme.NOON - 3_600  # the deciding event, not the anomaly


def test_what_slack_did_is_listed(acme: Acme, triaged: Triaged) -> None:
    """A session reset by Slack in the following day is part of the story and of the advice."""
    reset = acme.event(
        "reset",
        acme.NOON + 5_000,
        "user_sessions_reset_by_anomaly_event_response",
        actor_id="USLACKUSER",
        entity_type="user",
        entity_id="W0MATT",
    )
    (one,) = triaged([*acme.two_anomalies(), reset])
    assert [row["id"] for row in one.context["responses"]] == ["reset"]
    assert "user_sessions_reset_by_anomaly_event_response" in one.narrative
    assert one.advice[0].startswith("Check that the sessions ended")


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), parts=st.integers(1, 3))
def test_the_order_of_arrival_does_not_matter(
    acme: Acme, tmp_path_factory: pytest.TempPathFactory, seed: int, parts: int
) -> None:
    """Whatever the order and the batches events arrive in, the findings are the same."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann"}
    rows = acme.usual(5) + acme.scraping() + acme.two_anomalies()
    rows += [acme.anomaly(f"y{n}", acme.NOON + 250, "tor", "asn", **ann) for n in range(3)]
    shuffled = random.Random(seed).sample(rows, len(rows))
    expected = _findings(tmp_path_factory.mktemp("a"), [rows])
    batches = [shuffled[n::parts] for n in range(parts)]
    assert _findings(tmp_path_factory.mktemp("b"), batches) == expected


def _findings(home: Path, batches: list[list[dict[str, Any]]]) -> list[Finding]:
    engine = DuckDB(threads=1)
    lake = Lake(home / "lake", engine)
    for batch in batches:
        engine.register("incoming", pa.Table.from_pylist(batch, schema=EVENTS))
        lake.append_events("incoming")
    found = triage(lake, engine, Settings(data=home, threads=1))
    engine.close()
    return found
