"""What admins do, and how people come and go."""

from __future__ import annotations

import random

from gridtrail.sandbox.chance import dice, identifier
from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.render import body, context_piece, piece
from gridtrail.sandbox.world import World, pick

_APP_NAMES = ("Polls Plus", "Standup Mate", "Ticket Bridge", "Lunch Roulette", "Deal Desk")
_PREFERENCES = (
    "pref.who_can_create_public_channels",
    "pref.who_can_create_private_channels",
    "pref.who_can_manage_guests",
    "pref.who_can_edit_user_groups",
)
_KINDS = (
    ("usergroup", 26),
    ("search", 18),
    ("session_settings", 8),
    ("archive", 9),
    ("app", 11),
    ("guest", 10),
    ("preference", 3),
    ("reset", 4),
    ("role", 3),
    ("export", 1),
)


class Administration:
    """Draws the acts of admins and the rows of joining and leaving."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = [name for name, _ in _KINDS]
        self._weights = [weight for _, weight in _KINDS]
        roll = dice(world.plan.seed, "usergroups")
        self._groups = [
            piece({"type": "usergroup", "usergroup": {"id": identifier("S", roll), "name": name}})
            for name in ("oncall", "sales-leads", "design-crew", "office-managers", "all-eng")
        ]

    def deed(
        self, admin: Person, context: str, at: int, roll: random.Random
    ) -> list[tuple[int, str]]:
        """One act of `admin` at second `at` in that context."""
        kind = roll.choices(self._names, self._weights)[0]
        world = self._world
        other = pick(world.people, roll)
        organization = world.enterprise.entity
        if kind == "usergroup":
            return [
                (at, body("usergroup_updated", admin.actor, roll.choice(self._groups), context))
            ]
        if kind == "search":
            return [(at, body("audit_logs_records_searched", admin.actor, organization, context))]
        if kind == "session_settings":
            details = piece({"duration": 86_400 * roll.choice((1, 7, 14))})
            action = "user_session_settings_changed"
            return [(at, body(action, admin.actor, other.actor, context, details))]
        if kind == "archive":
            entity = roll.choice(world.channels.all).entity
            return [(at, body("public_channel_archive", admin.actor, entity, context))]
        if kind == "app":
            return self._app(admin, context, at, roll)
        if kind == "guest":
            details = piece({"expires_on": at + 30 * DAY})
            action = "guest_expiration_set"
            return [(at, body(action, admin.actor, other.actor, context, details))]
        return self._rare(kind, admin, context, at, roll)

    def _app(
        self, admin: Person, context: str, at: int, roll: random.Random
    ) -> list[tuple[int, str]]:
        app = {
            "id": identifier("A", roll),
            "name": roll.choice(_APP_NAMES),
            "is_distributed": True,
            "is_directory_approved": True,
            "is_workflow_app": False,
            "scopes": ["chat:write", "commands"],
        }
        entity = piece({"type": "app", "app": app})
        made = [(at, body("app_approved", admin.actor, entity, context))]
        if roll.random() < 0.5:
            made.append((at + 9, body("app_installed", admin.actor, entity, context)))
        return made

    def _rare(
        self, kind: str, admin: Person, context: str, at: int, roll: random.Random
    ) -> list[tuple[int, str]]:
        world = self._world
        other = pick(world.people, roll)
        organization = world.enterprise.entity
        if kind == "preference":
            details = piece(
                {
                    "new_value": {"type": ["ORG_ADMINS_AND_OWNERS"]},
                    "previous_value": {"type": ["EVERYONE_BUT_GUESTS"]},
                }
            )
            action = roll.choice(_PREFERENCES)
            return [(at, body(action, admin.actor, organization, context, details))]
        if kind == "reset":
            # a real reset would end the sessions of a plan that is drawn already
            details = piece({"duration": roll.choice((28_800, 86_400, 604_800))})
            action = "user_session_settings_changed"
            return [(at, body(action, admin.actor, other.actor, context, details))]
        if kind == "role":
            role = {"id": "Rl0A", "name": "Channel Admin", "type": "system"}
            entity = piece({"type": "role", "role": role})
            details = piece({"target_user": other.id})
            return [(at, body("role_assigned", admin.actor, entity, context, details))]
        details = piece(
            {
                "export_type": "STANDARD",
                "export_start_ts": "2026-01-01 00:00:00",
                "export_end_ts": "2026-06-30 23:59:59",
            }
        )
        return [
            (at, body("manual_export_started", admin.actor, organization, context, details)),
            (
                at + 900,
                body("manual_export_completed", admin.actor, organization, context, details),
            ),
        ]

    def turnover(self, day: int) -> list[tuple[int, str, int]]:
        """Accounts made and switched off on the local calendar `day` (days since the epoch).

        Each as second, event text and the story that the admin's network belongs to (or -1).
        """
        made: list[tuple[int, str, int]] = []
        for person in self._world.people:
            if person.joined == day:
                made += self._account(person, day, 8 * HOUR, joined=True)
            if person.left == day:
                made += self._account(person, day, 23 * HOUR + 3000, joined=False)
        return made

    def _account(
        self, person: Person, day: int, hour: int, *, joined: bool
    ) -> list[tuple[int, str, int]]:
        roll = dice(self._world.plan.seed, "turnover", person.number)
        admin = pick(self._world.admins, roll)
        device = admin.devices[0]
        zone = REGIONS[person.region].zone
        at = day * DAY - zone.offset_on(day) + hour - roll.randrange(1800)
        place = self._world.places.address(admin, device, at)
        agent, _ = device.agent_at(at)
        context = context_piece(
            self._world.enterprise.location, agent, place.ip, device.session_at(at)
        )
        if not joined:
            return [(at, body("user_deactivated", admin.actor, person.actor, context), place.tag)]
        return [
            (at, body("user_created", admin.actor, person.actor, context), place.tag),
            (at + 2, body("user_joined_workspace", admin.actor, person.actor, context), place.tag),
        ]
