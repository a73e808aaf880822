"""What is known of an address and of a user agent, as JSON: for a page, a command, the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gridtrail.enrich.clients import client_of, expected
from gridtrail.enrich.dimensions import address_book
from gridtrail.settings import EnrichSettings


def address_facts(settings: EnrichSettings, ip: str | None, at: int) -> dict[str, Any] | None:
    """What is known of an address at that time (seconds); None for no address."""
    if not ip:
        return None
    facts = address_book(settings).facts(ip)
    return {**asdict(facts), "kind": facts.kind_at(at)}


def client_facts(settings: EnrichSettings, ua: str | None) -> dict[str, Any] | None:
    """What a user agent is, and whether it is expected here; None for no agent."""
    if not ua:
        return None
    client = client_of(ua)
    return {**asdict(client), "expected": expected(client, settings.expected_clients)}
