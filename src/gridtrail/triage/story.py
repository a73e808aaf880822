"""Everything that is known of one finding when its words are written, and its title."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from gridtrail.enrich.clients import client_of, expected
from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.patterns import UNPRECEDENTED, Pattern, actors_of
from gridtrail.triage.reasons import WORDS, families_of
from gridtrail.triage.rule_hits import rule_of
from gridtrail.triage.words import listed, number, quoted, shown


@dataclass(frozen=True)
class Story:
    """`patterns` has the main one first; `context` and `history` are those of the finding."""

    anomalies: Sequence[Anomaly]
    patterns: Sequence[Pattern]
    context: Mapping[str, Any]
    history: Mapping[str, Any]
    expected_clients: Collection[str] = ()

    @property
    def pattern(self) -> str:
        """Name of the main pattern."""
        return self.patterns[0].name

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Every reason, once, sorted."""
        return tuple(sorted({reason for one in self.anomalies for reason in one.reasons}))

    @cached_property
    def hits(self) -> Sequence[Anomaly]:
        """The rules' hits among the anomalies."""
        return [one for one in self.anomalies if one.raised.level]

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Every rule that hit, once, sorted."""
        families = {family for one in self.hits for family in one.raised.families}
        return tuple(sorted(rule for rule in map(rule_of, families) if rule is not None))

    @cached_property
    def families(self) -> frozenset[str]:
        """Every reason family."""
        return families_of(self.reasons)

    @cached_property
    def actors(self) -> tuple[str | None, ...]:
        """Everybody it is about, the one that it is about first of all first."""
        return actors_of(self.anomalies) or (None,)

    @cached_property
    def name(self) -> str:
        """What to call the first of them: name, e-mail or id, safe to show."""
        return self.name_of(self.actors[0])

    def name_of(self, actor: str | None) -> str:
        """What to call one of them; what names nobody is called by the address, if it is known."""
        own = [one for one in self.anomalies if one.raised.actor == actor]
        names = [shown(one.actor_name) for one in own] + [shown(one.actor_email) for one in own]
        return next((name for name in names if name), "") or shown(actor or "") or self._nobody

    @property
    def _nobody(self) -> str:
        return f"the address {quoted(self.tried)}" if self.tried else "Somebody"

    @cached_property
    def tried(self) -> str:
        """The address that credentials of many were tried from, as it came, or ""."""
        return next((one.ip for one in self.hits if one.raised.tries and one.ip), "")

    @cached_property
    def who(self) -> str:
        """The first of them as a word: person, app, or address."""
        if self.actors[0] is None:
            return "address" if self.tried else "person"
        own = (one for one in self.anomalies if one.raised.actor == self.actors[0])
        return "app" if any(one.raised.is_app for one in own) else "person"

    def words_for(self, kind: str) -> str:
        """A reason, or `rule:` and a rule's name, in words; an unknown one by its code."""
        titles = (one.title for one in self.hits if kind in one.raised.kinds and one.title)
        return WORDS.get(kind) or quoted(next(titles, "") or rule_of(kind) or kind, 60)

    @property
    def email(self) -> str:
        """The e-mail address of the first of them, as it came, or ""."""
        own = (one for one in self.anomalies if one.raised.actor == self.actors[0])
        return next((one.actor_email for one in own if one.actor_email), "")

    @property
    def people(self) -> str:
        """How many actors, in words."""
        return number(len(self.actors), "person", "people")

    @cached_property
    def client(self) -> str:
        """The client the anomalies are about, safe to show; "" when none of them is about one.

        A name that nobody expects says most, then what Slack detected behind the agent, then
        the agent's own family.
        """
        about = [
            one
            for one in self.anomalies
            if one.raised.families & {"client", "scraping"} and not one.same_client
        ]
        clients = [client_of(one.ua) for one in about]
        odd = [c.family for c in clients if not expected(c, self.expected_clients)]
        detected = [
            one.detail(key) for one in about for key in ("scraping_tool", "detected_client")
        ]
        for names in (odd, detected, [client.family for client in clients]):
            counted = Counter(shown(name) for name in names if shown(name))
            if counted:
                return min(counted, key=lambda name: (-counted[name], name))
        return ""

    @property
    def forbidden(self) -> str:
        """The forbidden client that was used, safe to show."""
        rows = self.context["judged"]["policy"]
        return next((r["value"] for r in rows if r["policy"] == "forbidden_clients"), "a client")

    @property
    def reason_words(self) -> list[str]:
        """The reasons in words; unknown ones by their code."""
        if not self.reasons and self.hits:
            return [quoted(title) for title in dict.fromkeys(one.title for one in self.hits)][:3]
        known = [WORDS[reason] for reason in self.reasons if reason in WORDS]
        unknown = [f"“{shown(one, 40)}”" for one in self.reasons if one not in WORDS]
        return [*known, *unknown[:3]] or ["an anomaly without a reason"]


def title_of(story: Story) -> str:
    """The finding in one line."""
    if UNPRECEDENTED in story.patterns and story.pattern in _MILD:
        most = story.history["anomalies"]["most_in_a_day"]
        many = number(most, "anomaly", "anomalies")
        return f"{story.name} raised {many} in a day, more than anyone before"
    return _TITLES[story.pattern](story)


def _takeover(story: Story) -> str:
    """Who only changes an own address and password is no administrator."""
    impact = {one["what"] for one in story.context["impact"]}
    known = "unexpected_admin_action" in story.reasons or "privileges" in impact
    return f"{'Administrator ' * known}{story.name}'s account may be taken over"


def _ruled(story: Story) -> str:
    who = story.people if len(story.actors) > 1 else story.name
    who = f"the address {quoted(story.tried)}" if story.tried else who
    return f"{who[:1].upper()}{who[1:]}: {listed(story.reason_words)}"


def _sprayed(story: Story) -> str:
    into = [actor for actor in story.actors if actor is not None]
    told = number(len(into), "account") if len(into) > 1 else f"{story.name}'s account"
    return f"Many accounts tried from {quoted(story.tried)}, and {told} opened"


def _scraped(story: Story) -> str:
    tool = f" with {story.client}" if story.client else ""
    return f"{story.name}'s Slack is being scraped{tool}"


def _bulk(story: Story) -> str:
    did = [_VOLUME[reason] for reason in story.reasons if reason in _VOLUME]
    return f"{story.name} {listed(did)}" if did else _reasons(story)


def _reasons(story: Story) -> str:
    return f"{story.name}: {listed(story.reason_words)}"


_MILD = ("bulk_download", "bulk_download_away", "plain", "grave")
"""Patterns whose title a record number of anomalies takes."""

_VOLUME = MappingProxyType(
    {
        "excessive_downloads": "downloaded unusually many files",
        "excessive_file_shares": "shared unusually many files",
        "unexpected_api_call_volume": "made unusually many API calls",
        "search_volume": "searched unusually much",
    }
)

_TITLES: Mapping[str, Callable[[Story], str]] = MappingProxyType(
    {
        "stolen_session": lambda story: f"Stolen session: {_scraped(story)}",
        "admin_takeover": _takeover,
        "credential_spray": _sprayed,
        "scraping_tool": _scraped,
        "malware_spread": lambda story: f"Malicious files spread from {story.people}",
        "shared_place": lambda story: f"{story.people} used Slack from one unusual network",
        "gathering": lambda story: f"{story.people} came together to one unusual network",
        "rogue_app": lambda story: f"The app {story.name} does what it never did",
        "blinded": lambda story: f"{story.name} weakens what would see them",
        "leaving_insider": lambda story: f"{story.name} is leaving and takes data along",
        "forbidden_client": lambda story: f"{story.name} used {story.forbidden}, forbidden here",
        "rule": _ruled,
        "odd_access_taking": lambda story: f"Unusual access, then data taken: {_reasons(story)}",
        "tor": lambda story: f"{story.name} used Slack through Tor",
        "hosted_abroad": lambda story: f"{story.name} used Slack from a hosting company abroad",
        "bulk_download": _bulk,
        "bulk_download_away": lambda story: f"{_bulk(story)} over a network that is new to them",
        "grave": _reasons,
        "plain": _reasons,
    }
)
"""Main pattern -> title."""
