"""Addresses and user agents are described as JSON."""

from __future__ import annotations

from gridtrail.enrich.described import address_facts, client_facts
from gridtrail.settings import EnrichSettings


def test_what_is_not_there_has_no_facts() -> None:
    """An event without address or agent gets none."""
    settings = EnrichSettings()
    assert address_facts(settings, None, 0) is None
    assert client_facts(settings, "") is None


def test_facts_are_of_the_time_and_of_the_settings() -> None:
    """An address has its kind, an agent whether the settings expect it."""
    facts = address_facts(EnrichSettings(internal_networks=["203.0.113.0/24"]), "203.0.113.7", 0)
    assert facts is not None
    assert (facts["ip"], facts["kind"], facts["valid"]) == ("203.0.113.7", "internal", True)
    agent = "curl/8.5.0"
    found = client_facts(EnrichSettings(), agent)
    assert found is not None
    wanted = EnrichSettings(expected_clients=[found["family"]])
    assert client_facts(wanted, agent) == {**found, "expected": True}
    assert client_facts(EnrichSettings(expected_clients=["Other"]), agent) == {
        **found,
        "expected": False,
    }
