"""Slack's anomaly reasons, grouped into the families that count once each in a score.

Two reasons of one family say the same thing twice (`asn` always comes with `ip_address`), so a
family counts once, however many of its reasons or anomalies there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

FAMILIES = MappingProxyType(
    {
        "network": ("asn", "ip_address", "tor"),
        "client": (
            "user_agent",
            "unexpected_user_agent",
            "unexpected_client",
            "spoofed_user_agent",
        ),
        "session": ("session_fingerprint",),
        "volume": (
            "excessive_downloads",
            "excessive_file_shares",
            "unexpected_api_call_volume",
            "search_volume",
        ),
        "scraping": ("unexpected_scraping",),
        "malware": ("excessive_malware_uploads",),
        "admin": ("unexpected_admin_action",),
        "deletion": ("unexpected_message_deletion",),
        "spam": ("potential_spam",),
        "credentials": ("unexpected_credential_testing",),
    }
)
"""Family -> the documented reasons in it."""

OTHER = "other"
"""The one family of every reason that is not documented: strangers cannot add up a score."""

WORDS = MappingProxyType(
    {
        "asn": "an address in a suspicious network",
        "ip_address": "an unusual address",
        "tor": "a Tor exit node",
        "user_agent": "a changed user agent",
        "unexpected_user_agent": "a user agent that people do not use",
        "unexpected_client": "an unexpected client",
        "spoofed_user_agent": "a client that is not what its user agent says",
        "session_fingerprint": "a session that does not look like itself any more",
        "excessive_downloads": "unusually many downloads",
        "excessive_file_shares": "unusually many file shares",
        "unexpected_api_call_volume": "more API calls than a client of a person makes",
        "search_volume": "unusually many searches",
        "unexpected_scraping": "signs of scraping",
        "excessive_malware_uploads": "uploads of malware",
        "unexpected_admin_action": "unusual administration",
        "unexpected_message_deletion": "unusually many deleted messages",
        "potential_spam": "what looks like spam",
        "unexpected_credential_testing": "credentials being tried out",
    }
)
"""Each documented reason in words that fit into "Slack saw …"."""

_FAMILY_OF = MappingProxyType(
    {reason: family for family, reasons in FAMILIES.items() for reason in reasons}
)


def family_of(reason: str) -> str:
    """The family of a reason; OTHER for one that is not documented."""
    return _FAMILY_OF.get(reason, OTHER)


def families_of(reasons: Iterable[str]) -> frozenset[str]:
    """The families of some reasons; OTHER alone when there is no reason."""
    return frozenset(family_of(reason) for reason in reasons) or frozenset({OTHER})
