"""The ATT&CK technique that a reason of Slack's anomaly events is a sign of, where one is.

Techniques are those of MITRE ATT&CK for Enterprise (attack.mitre.org), the choice is ours: a
reason says how something looked, so the technique is what most often looks like that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_CLOUD_ACCOUNT = ("T1078.004", "Cloud Accounts")
_COOKIE = ("T1550.004", "Web Session Cookie")
_COLLECTION = ("T1119", "Automated Collection")

TECHNIQUES: dict[str, tuple[str, str]] = {
    "asn": _CLOUD_ACCOUNT,
    "excessive_downloads": ("T1213.005", "Messaging Applications"),
    "excessive_file_shares": ("T1567", "Exfiltration Over Web Service"),
    "excessive_malware_uploads": ("T1080", "Taint Shared Content"),
    "ip_address": _CLOUD_ACCOUNT,
    "potential_spam": ("T1534", "Internal Spearphishing"),
    "search_volume": ("T1213.005", "Messaging Applications"),
    "session_fingerprint": _COOKIE,
    "spoofed_user_agent": _COOKIE,
    "tor": ("T1090.003", "Multi-hop Proxy"),
    "unexpected_admin_action": ("T1098", "Account Manipulation"),
    "unexpected_api_call_volume": _COLLECTION,
    "unexpected_client": _CLOUD_ACCOUNT,
    "unexpected_credential_testing": _CLOUD_ACCOUNT,
    "unexpected_message_deletion": ("T1485", "Data Destruction"),
    "unexpected_scraping": _COLLECTION,
    "unexpected_user_agent": _COOKIE,
    "user_agent": _COOKIE,
}
"""Reason -> id and name of the technique."""


def techniques(reasons: Iterable[str]) -> list[tuple[str, str]]:
    """The techniques of `reasons`, each once, in their order."""
    found = (TECHNIQUES[reason] for reason in reasons if reason in TECHNIQUES)
    return list(dict.fromkeys(found))


def ocsf_attacks(reasons: Iterable[str]) -> list[dict[str, Any]]:
    """The same as OCSF's `attacks`: a sub-technique stands beside its technique."""
    attacks: list[dict[str, Any]] = []
    for uid, name in techniques(reasons):
        key = "sub_technique" if "." in uid else "technique"
        attacks.append({key: {"uid": uid, "name": name}})
    return attacks
