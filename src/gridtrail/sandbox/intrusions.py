"""Stories that somebody should look at, beyond downloads: an administrator's account in strange
hands, an app that turns bad, malware."""

from __future__ import annotations

import random

from gridtrail.sandbox.chance import identifier
from gridtrail.sandbox.content import file_entity
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Person, new_session_id
from gridtrail.sandbox.performing import Pace
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.render import app_context, body, context_piece, piece
from gridtrail.sandbox.staging import Planted, Stage, by_loudness, desktop_of

SCRIPT = "python-requests/2.32.3"
_BAIT = ("Invoice_8841.pdf.exe", "Shipping-Label.iso", "Payroll_Update.js", "Voicemail.lnk")

_INFECTED = ((0, "file_uploaded"), (0, "file_shared"), (4, "file_malicious_content_detected"))


def compromised_admin(stage: Stage, story: Story, number: int) -> Planted:
    """An administrator's password in strange hands: a new session, then administrative acts."""
    roll = stage.roll(story, number)
    pace = by_loudness(story, Pace(1, 40, 0.7), Pace(3, 8, 0.8), Pace(4, 3, 1.0))
    last = stage.last_day(story)
    person = stage.cast_admin(roll, last)
    days = stage.workdays(person, last, pace.days)
    world = stage.world
    address = world.atlas["hosting6"].v4(40_000 + roll.randrange(100_000))
    agent = stage.browser(story)
    session = new_session_id(world.plan.seed, number)
    context = context_piece(world.enterprise.location, agent, address, session)

    def rows() -> list[Row]:
        made = []
        for day in days:
            at = float(stage.second(person, day, roll.uniform(13.2, 15.0)))
            login = body("user_login", person.actor, person.actor, context)
            made.append(Row(int(at) - 25, login, number))
            for _ in range(pace.files):
                text = _administrative(stage, person, context, roll, int(at))
                made.append(Row(int(at), text, number))
                at += roll.weibullvariate(pace.hours * 3_600 / pace.files * 0.88, 0.8)
        return made

    return Planted(
        story, number, [person.id], ["ip_address", "unexpected_admin_action"],
        "An administrator's account is used from a foreign hosting network.",
        days[0], rows, holds_cookie=True, extra={"client": agent, "ip": address},
    )  # fmt: skip


def _administrative(
    stage: Stage, person: Person, context: str, roll: random.Random, at: int
) -> str:
    world = stage.world
    organization, victim = world.enterprise.entity, roll.choice(world.people).actor
    app = {
        "id": identifier("A", roll),
        "name": "Sync Helper",
        "is_distributed": False,
        "is_directory_approved": False,
        "is_workflow_app": False,
        "scopes": ["channels:history", "files:read", "admin"],
    }
    export = {
        "export_type": "STANDARD",
        "export_start_ts": "2026-01-01 00:00:00",
        "export_end_ts": "2026-10-31 23:59:59",
    }
    change = {"new_value": "none", "previous_value": "required"}
    acts: tuple[tuple[str, str, object], ...] = (
        ("role_change_to_admin", victim, None),
        ("user_email_updated", victim, None),
        ("pref.two_factor_auth_changed", organization, change),
        ("pref.sso_setting_changed", organization, change),
        ("app_approved", piece({"type": "app", "app": app}), None),
        ("audit_logs_records_searched", organization, None),
        ("audit_logs_export_csv_started", organization, None),
        ("manual_export_started", organization, export),
        ("user_session_settings_changed", victim, {"duration": 315_569_520}),
    )
    action, entity, details = roll.choice(acts)
    told = None if details is None else piece(details)
    return body(action, person.actor, entity, context, told)


def malicious_app(stage: Stage, story: Story, number: int) -> Planted:
    """An app that did little for days is given more scopes, moves to another network and copies.

    Its harmless days before are in the log but not in the truth.
    """
    roll = stage.roll(story, number)
    pace = by_loudness(story, Pace(1, 260, 0.5), Pace(4, 45, 0.6), Pace(8, 9, 1.0))
    last = stage.last_day(story)
    person = stage.cast(roll, last, pace.days)
    days = stage.workdays(person, last, pace.days)
    before = stage.days_before(days[0], 10)
    world = stage.world
    team = world.workspaces[person.workspace].id
    app: dict[str, object] = {
        "id": identifier("A", roll),
        "name": "Chart Whisperer",
        "scopes": ["files:read", "channels:history"],
        "scopes_bot": [],
        "creator": person.id,
        "team": team,
    }
    old = world.atlas["hosting3"].v4(55_000 + roll.randrange(9_000))
    new = world.atlas["hosting6"].v4(150_000 + roll.randrange(80_000))
    location = world.location(person)
    usual = app_context(location, f"ApiApp/{app['id']} Python/3.12.4", old, app)
    strange = app_context(location, SCRIPT, new, app)

    def rows() -> list[Row]:
        made = []
        for day in before:
            for file in stage.files(person, 3 + roll.randrange(6), roll):
                second = stage.second(person, day, roll.uniform(9.0, 17.0))
                made.append(Row(second, stage.download(person, file, usual)))
        files = stage.files(person, pace.files * len(days), roll)
        for place, day in enumerate(days):
            at = float(stage.second(person, day, roll.uniform(1.5, 3.5)))
            if not place:
                made.append(_more_scopes(stage, person, app, int(at) - 30, number))
            for file in files[place * pace.files : (place + 1) * pace.files]:
                made.append(Row(int(at), stage.download(person, file, strange), number))
                at += roll.weibullvariate(pace.hours * 3_600 / pace.files * 0.88, 0.8)
        return made

    return Planted(
        story, number, [person.id],
        by_loudness(story, ["ip_address", "excessive_downloads"],
                    ["ip_address", "excessive_downloads"], ["ip_address"]),
        "An app with new scopes copies files from a network it never used.",
        (before or days)[0], rows, extra={"app": app["id"], "client": SCRIPT, "ip": new},
    )  # fmt: skip


def _more_scopes(stage: Stage, person: Person, app: dict[str, object], at: int, number: int) -> Row:
    context = stage.own_context(person, desktop_of(person), at)
    entity = {
        "id": app["id"],
        "name": app["name"],
        "is_distributed": True,
        "is_directory_approved": False,
        "is_workflow_app": False,
        "scopes": app["scopes"],
    }
    details = piece({"new_scopes": app["scopes"], "previous_scopes": ["commands"]})
    shown = piece({"type": "app", "app": entity})
    return Row(at, body("app_scopes_expanded", person.actor, shown, context, details), number)


def malware(stage: Stage, story: Story, number: int) -> Planted:
    """An infected computer shares files in which Slack finds malware, in the person's own name."""
    roll = stage.roll(story, number)
    pace = by_loudness(story, Pace(1, 14, 0.2), Pace(3, 4, 0.5), Pace(3, 2, 1.0))
    last = stage.last_day(story)
    person = stage.cast(roll, last, pace.days)
    device = desktop_of(person)
    days = stage.workdays(person, last, pace.days)

    def rows() -> list[Row]:
        made = []
        for day in days:
            at = float(stage.second(person, day, roll.uniform(10.0, 16.0)))
            for _ in range(pace.files):
                name = roll.choice(_BAIT)
                entity = file_entity(identifier("F", roll, 10), name)
                context = stage.own_context(person, device, int(at))
                for step, action in _INFECTED:
                    text = body(action, person.actor, entity, context)
                    made.append(Row(int(at) + step, text, number))
                at += roll.weibullvariate(pace.hours * 3_600 / pace.files * 0.88, 0.8) + 1
        return made

    return Planted(
        story, number, [person.id], ["excessive_malware_uploads"],
        "An infected computer shares malware in its owner's name.", days[0], rows,
    )  # fmt: skip
