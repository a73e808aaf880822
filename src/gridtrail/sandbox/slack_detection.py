"""Slack's own anomaly events, as the simulated Slack writes them.

Nobody outside knows Slack's rules. These are few and blunt ones that give the sandbox's attacks
(and now and then a harmless thing) what public samples show: the shape, the companions, about 51
seconds of delay, and no more than one event an hour for the same person and reasons. Addresses on
the allow list are not looked at.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gridtrail.enrich.clients import client_of
from gridtrail.sandbox.chance import mix
from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.event_text import Fields, plain
from gridtrail.sandbox.networks import REGIONS, Atlas, Network
from gridtrail.slack.reasons import with_companions

DELAY = 51
WARM_UP = 3 * DAY
"""Nobody's network is odd in the first days: there is nothing to compare with."""
DOWNLOADS = 70
SCRAPED = 10
MALWARE = 3
ADMIN_ACTIONS = 2
_SHARED_BY = 3
"""A network that so many people have used is nobody's oddity."""
_KNOWN = ("Slack", "Mozilla\\/", "com.tinyspeck", "slack\\/")

SENSITIVE = frozenset(
    {
        "role_change_to_admin",
        "role_change_to_owner",
        "app_approved",
        "app_scopes_expanded",
        "manual_export_started",
        "pref.two_factor_auth_changed",
        "pref.sso_setting_changed",
        "user_email_updated",
        "audit_logs_export_csv_started",
        "user_session_settings_changed",
    }
)


@dataclass(frozen=True, slots=True)
class Flagged:
    """What was found about the event of `second`: reasons, and more keys of `details`."""

    second: int
    reasons: tuple[str, ...]
    details: Mapping[str, Any]


@dataclass(slots=True)
class AllowList:
    """Trusted ranges (IPv4) and autonomous systems, as they were written last."""

    cidrs: list[str] = field(default_factory=list)
    asns: list[int] = field(default_factory=list)
    _ranges: list[tuple[int, int]] = field(default_factory=list)

    def write(self, cidrs: list[str], asns: list[int]) -> None:
        """Replace both lists; host bits are dropped. Raises ValueError for what is no range."""
        networks = [ipaddress.IPv4Network(cidr, strict=False) for cidr in cidrs]
        self.cidrs = [str(network) for network in networks]
        self.asns = list(asns)
        self._ranges = [(int(one[0]), int(one[-1])) for one in networks]

    def covers(self, address: str, asn: int | None) -> bool:
        """Whether an address, of that autonomous system, is trusted."""
        if asn in self.asns:
            return True
        if not self._ranges or ":" in address or not address:
            return False
        number = int(ipaddress.IPv4Address(address))
        return any(low <= number <= high for low, high in self._ranges)


@dataclass(slots=True)
class _Session:
    """What a session showed last, and the last other address and agent before."""

    address: str
    agent: str
    network: str = ""
    old_address: str = ""
    old_agent: str = ""
    odd_network: str = ""
    admin_actions: int = 0


class Detection:
    """Looks at one event after the other; `start` is the first second of the log."""

    def __init__(self, atlas: Atlas, seed: int, start: int) -> None:
        self.allowed = AllowList()
        self._seed = seed
        self._start = start
        self._where = Whereabouts(atlas)
        self._sessions: dict[int, _Session] = {}
        self._networks: dict[str, set[str]] = {}
        self._people_of: dict[str, set[str]] = {}
        self._counts: dict[tuple[str, str], deque[int]] = {}
        self._told: dict[tuple[str, tuple[str, ...]], int] = {}

    def delay(self, second: int, actor: str) -> int:
        """Seconds from the action to the anomaly event: 51 or 52."""
        return DELAY + mix(self._seed, second, len(actor), 51) % 2

    def look(self, second: int, fields: Fields) -> list[Flagged]:
        """What the event of that second gives rise to (mostly nothing)."""
        if fields.session is None or fields.action == "anomaly":
            return []
        network = self._where.network(fields.address)
        session = self._session(fields, network)
        if self.allowed.covers(fields.address, network.asn if network else None):
            return []
        found = self._codes(second, fields, network, session)
        return [
            Flagged(second, codes, self._details(fields, network, session, codes, more))
            for reasons, more in found
            if self._fresh(second, fields.actor, codes := with_companions(reasons))
        ]

    def _session(self, fields: Fields, network: Network | None) -> _Session:
        assert fields.session is not None  # noqa: S101 - the caller looked
        known = self._sessions.get(fields.session)
        if known is None:
            known = _Session(fields.address, fields.agent)
            self._sessions[fields.session] = known
        elif known.address != fields.address:
            known.old_address, known.address = known.address, fields.address
        if known.agent != fields.agent:
            known.old_agent, known.agent = known.agent, fields.agent
        before, known.network = known.network, "" if network is None else network.key
        if known.odd_network and known.network != before and before == known.odd_network:
            known.odd_network += " left"
        return known

    def _codes(
        self, second: int, fields: Fields, network: Network | None, session: _Session
    ) -> list[tuple[list[str], dict[str, Any]]]:
        found = self._of_network(second, fields, network, session)
        if not fields.agent.startswith(_KNOWN) or "Slack" in fields.agent:
            found += self._of_client(second, fields)
        if session.odd_network.endswith(" left"):
            session.odd_network = ""
            found.append((["session_fingerprint"], {}))
        if fields.action == "file_downloaded":
            if self._count(second, fields.actor, "downloads") >= DOWNLOADS:
                found.append((["excessive_downloads"], {}))
        elif fields.action == "file_malicious_content_detected":
            if self._count(second, fields.actor, "malware") >= MALWARE:
                found.append((["excessive_malware_uploads"], {}))
        elif fields.action in SENSITIVE and session.odd_network:
            session.admin_actions += 1
            if session.admin_actions >= ADMIN_ACTIONS:
                found.append((["unexpected_admin_action"], {}))
        return found

    def _of_network(
        self, second: int, fields: Fields, network: Network | None, session: _Session
    ) -> list[tuple[list[str], dict[str, Any]]]:
        if network is None:
            return []
        if network.kind == "tor":
            return [(["tor"], {})]
        mine = self._networks.setdefault(fields.actor, set())
        if network.key in mine:
            return []
        users = self._people_of.setdefault(network.key, set())
        odd = (
            network.kind in ("hosting", "vpn")
            and len(users) < _SHARED_BY
            and second >= self._start + WARM_UP
        )
        mine.add(network.key)
        users.add(fields.actor)
        if not odd:
            return []
        session.odd_network = network.key
        details = ["new-asn", "cloud-asn"] if network.kind == "hosting" else ["new-asn"]
        return [(["ip_address"], {"ip_address_details": details})]

    def _of_client(self, second: int, fields: Fields) -> list[tuple[list[str], dict[str, Any]]]:
        client = _client(fields.agent)
        if client[0] == "spoofed":
            return [(["spoofed_user_agent", "unexpected_client"], {"detected_client": "Python"})]
        if client[0] != "tool":
            return []
        if self._count(second, fields.actor, "tool") == SCRAPED:
            more = {"scraping_tool": client[1], "user_agent_change_details": ["client-changed"]}
            return [(["unexpected_scraping", "unexpected_user_agent", "user_agent"], more)]
        return []

    def _count(self, second: int, actor: str, what: str) -> int:
        """How many within the last hour, this one included."""
        seconds = self._counts.setdefault((actor, what), deque())
        seconds.append(second)
        while seconds[0] <= second - HOUR:
            seconds.popleft()
        return len(seconds)

    def _fresh(self, second: int, actor: str, codes: tuple[str, ...]) -> bool:
        last = self._told.get((actor, codes))
        if last is not None and second - last < HOUR:
            return False
        self._told[actor, codes] = second
        return True

    def _details(
        self,
        fields: Fields,
        network: Network | None,
        session: _Session,
        codes: tuple[str, ...],
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        return {
            "location": self._where.place(network),
            "previous_ip_address": session.old_address,
            "previous_ua": plain(session.old_agent),
            "reason": list(codes),
            **more,
        }


class Whereabouts:
    """Which network of the atlas an address belongs to."""

    def __init__(self, atlas: Atlas) -> None:
        four = sorted(atlas.networks.values(), key=lambda network: network.first)
        self._starts = [network.first for network in four]
        self._four = four
        self._six = {one.six: one for one in atlas.networks.values() if one.six is not None}
        self._known: dict[str, Network | None] = {}

    def network(self, address: str) -> Network | None:
        """The network, or None for an address that the world does not have."""
        if address not in self._known:
            self._known[address] = self._find(address)
        return self._known[address]

    def _find(self, address: str) -> Network | None:
        try:
            read = ipaddress.ip_address(address)
        except ValueError:
            return None
        if read.version == 6:
            return self._six.get(int(read) >> 96)
        place = bisect_right(self._starts, int(read)) - 1
        found = self._four[max(place, 0)]
        return found if found.first <= int(read) < found.first + found.size else None

    @staticmethod
    def place(network: Network | None) -> str:
        """What Slack would print as the location of an address there."""
        if network is None:
            return ""
        region = next((one for key, one in REGIONS.items() if key in network.key), None)
        return f"Unknown, {network.country}" if region is None else region.city


@lru_cache(maxsize=4096)
def _client(agent: str) -> tuple[str, str]:
    """`spoofed`, `tool` (with its name) or `usual` for an agent as it stands in JSON."""
    client = client_of(plain(agent))
    if client.defect is not None:
        return "spoofed", ""
    if agent.startswith(_KNOWN):
        return "usual", ""
    return "tool", f"{client.family or 'Unknown'}-based tool".replace("Go-http-client", "Go")
