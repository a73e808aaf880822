"""A made-up organization for cases and checks: people, places, clients and what they do.

Events are built in Slack's JSON and read as any other, so nothing is assumed that Slack would not
send. Places stand in ranges for benchmarks (RFC 2544) and documentation (RFC 3849); which network
they belong to is said by an address file written for the purpose.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.settings import DetectSettings, EnrichSettings, Settings
from gridtrail.slack.event import EventFields, read_event

ORG = "E0STAGE"
TEAM = "T0STAGE"
JUDGED_DAY = dt.date(2026, 11, 18)
"""Day 0 of a stage, a Wednesday; day -1 is the day before."""

_NAMESPACE = uuid.UUID("0b5c8a86-2a0e-4f5e-9a55-6f7f5c1d2e90")
_INGESTED = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
_FIELDS = tuple(field.name for field in fields(EventFields))


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is: the first three numbers of its addresses, and whose network it is."""

    prefix: str
    asn: int
    name: str
    country: str


PLACES: Mapping[str, Place] = {
    "office": Place("198.18.1", 64_500, "Stage Paper Company", "US"),
    "branch": Place("198.18.2", 64_501, "Stage Paper Branch", "US"),
    "home": Place("198.18.10", 7922, "Comcast Cable Communications", "US"),
    "home of a friend": Place("198.18.11", 20_115, "Charter Communications", "US"),
    "phone": Place("198.18.20", 21_928, "T-Mobile USA", "US"),
    "phone elsewhere": Place("198.18.21", 21_928, "T-Mobile USA", "US"),
    "phone of another carrier": Place("198.18.22", 22_394, "Cellco Partnership Verizon", "US"),
    "phone abroad": Place("198.18.25", 3320, "Deutsche Telekom AG", "DE"),
    "carrier abroad": Place("198.18.26", 206_067, "H3G UK", "GB"),
    "hotel": Place("198.18.30", 64_510, "Lakeside Hotels", "US"),
    "hotel abroad": Place("198.18.31", 64_511, "Hotel am See", "AT"),
    "company vpn": Place("198.18.40", 64_520, "Anywhere VPN Services", "US"),
    "private vpn": Place("198.18.41", 64_521, "Nowhere VPN Services", "SE"),
    "cloud": Place("198.18.50", 16_509, "Amazon.com", "US"),
    "cloud abroad": Place("198.18.51", 24_940, "Hetzner Online GmbH", "DE"),
    "other cloud": Place("198.18.52", 14_061, "DigitalOcean", "NL"),
    "tor": Place("198.18.60", 64_530, "Onion Relays", "NL"),
    "former tor": Place("198.18.61", 7922, "Comcast Cable Communications", "US"),
    "ioc": Place("198.18.62", 64_540, "Cheap Servers", "NL"),
    "former ioc": Place("198.18.63", 7922, "Comcast Cable Communications", "US"),
    "ioc at home": Place("198.18.64", 7922, "Comcast Cable Communications", "US"),
    "bulletproof": Place("198.18.65", 64_550, "Bulletproof Hosting", "SC"),
    "once bulletproof": Place("198.18.66", 64_551, "Reformed Internet", "SC"),
}
VPN_PLACES = ("company vpn", "private vpn")

DESKTOP = (
    "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Slack/{version} "
    "Chrome/140.0.7339.80 Electron/38.1.0 Safari/537.36 Sonic Slack_SSB/{version}"
)
CHROMIUM = (
    "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
    "Safari/537.36{more}"
)
MAC, WINDOWS = "Macintosh; Intel Mac OS X 10_15_7", "Windows NT 10.0; Win64; x64"
CLIENTS: Mapping[str, tuple[str, str]] = {
    "desktop": (DESKTOP.replace("{system}", MAC), "4.47.58"),
    "windows": (DESKTOP.replace("{system}", WINDOWS), "4.47.58"),
    "iphone": (
        "com.tinyspeck.chatlyio/{version} (iPhone; iOS 26.6.2; Scale/3.00)",
        "26.09.20",
    ),
    "android": (
        "slack/{version}.0.90016209 (samsung SM-A235F; Android 14; store com.android.vending)",
        "26.09.41",
    ),
    "chrome": (CHROMIUM.replace("{system}", WINDOWS).replace("{more}", ""), "148"),
    "unusual browser": (
        CHROMIUM.replace("{system}", WINDOWS).replace("{more}", " YaBrowser/25.2.0 Yowser/2.5"),
        "132",
    ),
    "python": ("python-requests/{version}", "2.32.3"),
    "go": ("Go-http-client/{version}", "2.0"),
    "scraper": ("Scrapers Inc/{version}", "1.0"),
    "curl": ("curl/{version}", "8.9.1"),
    "sdk": ("Python/3.13.5 slackclient/{version} Linux/6.1", "3.35.0"),
    "none": ("", ""),
}
"""User agents with a place for the version, and the version where none is named."""


def second_of(day: int, clock: str = "00:00") -> int:
    """Seconds since the epoch of a time `HH:MM` or `HH:MM:SS` on a day counted from day 0."""
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    first = (JUDGED_DAY - dt.date(1970, 1, 1)).days * DAY_SECONDS
    rest = seconds[0] if seconds else 0
    return first + day * DAY_SECONDS + hours * 3600 + minutes * 60 + rest


@cache
def person_number(name: str) -> int:
    """A number between 1 and 250 for a person, always the same."""
    return uuid.uuid5(_NAMESPACE, name).int % 250 + 1


def person_id(name: str) -> str:
    """Slack's id of a person of the stage."""
    return "W0" + "".join(c for c in name.upper() if c.isalnum())


def address(place: str, name: str) -> str:
    """The address that a person has at a place; everybody shares one at the office.

    A place that is no word of the stage is taken as the address itself.
    """
    known = PLACES.get(place)
    if known is None:
        return place
    shared = place in ("office", "branch", "hotel", *VPN_PLACES)
    return f"{known.prefix}.{7 if shared else person_number(name)}"


def agent(client: str) -> str:
    """The user agent of a client: a word of the stage, maybe with a version after it; any other
    text is the user agent itself."""
    name, _, version = client.rpartition(" ")
    if name in CLIENTS and version[:1].isdigit():
        return CLIENTS[name][0].replace("{version}", version)
    if client in CLIENTS:
        pattern, usual = CLIENTS[client]
        return pattern.replace("{version}", usual)
    return client


def session_of(name: str, client: str) -> int:
    """The session that a person keeps on a device: a number of 13 digits."""
    device = client.rpartition(" ")[0] if client.rpartition(" ")[0] in CLIENTS else client
    return 10**12 + uuid.uuid5(_NAMESPACE, f"{name}/{device}").int % 10**12


def slack_event(
    at: int,
    who: str,
    action: str,
    *,
    place: str = "office",
    client: str = "desktop",
    number: int = 0,
    entity: Mapping[str, Any] | None = None,
    session: int | str | None = None,
    app: str | None = None,
    bot: bool = False,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An audit event as Slack writes it; `number` tells apart what is otherwise alike.

    Without `entity` it is the person's workspace; without `session` the one of the device, and
    none for apps.
    """
    user = {"id": person_id(who), "name": who, "email": f"{who}@stage.example", "team": TEAM}
    if bot:
        user["email"] = f"botuser-{TEAM}-{person_id(who)}@slack-bots.com"
    workspace = {"type": "workspace", "id": TEAM, "name": "Stage", "domain": "stage"}
    context: dict[str, Any] = {
        "location": workspace,
        "ua": agent(client),
        "ip_address": address(place, who),
        "session_id": session,
    }
    if session is None and app is None and not bot:
        context["session_id"] = session_of(who, client)
    if app is not None:
        context["app"] = {"id": app, "name": app.lower(), "scopes": []}
    shown = {"type": "workspace", "workspace": {"id": TEAM, "name": "Stage", "domain": "stage"}}
    content: dict[str, Any] = {
        "date_create": at,
        "action": action,
        "actor": {"type": "user", "user": user},
        "entity": dict(entity or shown),
        "context": context,
    }
    if details is not None:
        content["details"] = dict(details)
    name = json.dumps([content, number], sort_keys=True)
    return {"id": str(uuid.uuid5(_NAMESPACE, name)), **content}


def person_entity(name: str) -> dict[str, Any]:
    """The entity of an event that is done to a person."""
    return {"type": "user", "user": {"id": person_id(name), "name": name, "team": TEAM}}


def file_entity(name: str) -> dict[str, Any]:
    """The entity of a file event; the name makes the id."""
    identity = "F" + uuid.uuid5(_NAMESPACE, name).hex[:10].upper()
    return {
        "type": "file",
        "file": {"id": identity, "name": name, "filetype": "pdf", "title": name},
    }


def message_entity(name: str) -> dict[str, Any]:
    """The entity of a message event; the name makes the time stamp, which is its id."""
    number = uuid.uuid5(_NAMESPACE, name).int % 10**15
    stamp = f"1{number:015d}"
    message = {"channel": "C0STAGE", "team": TEAM, "timestamp": f"{stamp[:10]}.{stamp[10:]}"}
    return {"type": "message", "message": message}


def workflow_entity(name: str) -> dict[str, Any]:
    """The entity of a workflow event; the name makes the id."""
    identity = "Wf" + uuid.uuid5(_NAMESPACE, name).hex[:10].upper()
    return {"type": "workflow", "workflow": {"id": identity, "name": name}}


THINGS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "file": file_entity,
    "message": message_entity,
    "workflow": workflow_entity,
}
"""What actions are about, by their first word."""


def event_rows(events: Iterable[Mapping[str, Any]], org: str = ORG) -> pa.Table:
    """Rows of the lake's events table from Slack's JSON objects."""
    rows = []
    for event in events:
        raw = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        read = read_event(raw)
        row = {name: getattr(read, name) for name in _FIELDS}
        row |= {"org": org, "raw": raw.decode(), "source": "import"}
        row["reasons"] = None if read.reasons is None else list(read.reasons)
        row["day"] = dt.date(1970, 1, 1) + dt.timedelta(days=read.date_create // DAY_SECONDS)
        row["ingested_at"] = _INGESTED
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=EVENTS)


def store(lake: Lake, events: Iterable[Mapping[str, Any]], org: str = ORG) -> int:
    """Append events to the lake; how many were new."""
    return store_rows(lake, event_rows(events, org))


def store_rows(lake: Lake, rows: pa.Table) -> int:
    """As `store`, for rows that `event_rows` made."""
    lake.engine.register("_stage", rows)
    lake.engine.keep("_stage_kept", "SELECT * FROM _stage")
    lake.engine.unregister("_stage")
    stored = lake.append_events("_stage_kept").stored
    lake.engine.drop("_stage_kept")
    return stored


def stage_settings(folder: Path, detect: DetectSettings | None = None) -> Settings:
    """Settings under which the places of the stage are known; writes their files to `folder`.

    Raises WrongUse when the folder is a lake already in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, vpn = folder / "places.tsv", folder / "vpn.txt"
    if (folder / "events").exists():
        raise WrongUse(f"{folder} holds a lake: give the stage a folder of its own.")
    lines = [
        f"{p.prefix}.0\t{p.prefix}.255\t{p.asn}\t{p.country}\t{p.name}" for p in PLACES.values()
    ]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    vpn.write_text("".join(f"{PLACES[p].prefix}.0/24\n" for p in VPN_PLACES), encoding="utf-8")
    tor, feed, bulletproof = _threats(folder)
    return Settings(
        data=folder,
        enrich=EnrichSettings(
            asn_files=[table],
            packaged_asn=False,
            vpn_lists=[vpn],
            tor_lists=[tor],
            ioc_lists=[feed],
            suspicious_asn_lists=[bulletproof],
        ),
        detect=detect or DetectSettings(off=[]),
    )


def _threats(folder: Path) -> tuple[Path, Path, Path]:
    """Lists of Tor exits, of malicious addresses and of suspicious ASNs: entries for good, since
    day -3, and out of date since day -1 (with an end) or day -10 (aged)."""
    since, long_ago, ended = second_of(-3), second_of(-40), second_of(-1)
    prefix = {word: f"{place.prefix}.0/24" for word, place in PLACES.items()}
    asn = {word: f"AS{place.asn}" for word, place in PLACES.items()}
    texts = {
        "tor.txt": [prefix["tor"], f"{prefix['former tor']} {long_ago} {ended}"],
        "feed.txt": [
            f"{prefix['ioc']} {since}",
            f"{prefix['ioc at home']} {since}",
            f"{prefix['former ioc']} {long_ago}",
        ],
        "bulletproof.txt": [asn["bulletproof"], f"{asn['once bulletproof']} {long_ago} {ended}"],
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "tor.txt", folder / "feed.txt", folder / "bulletproof.txt"
