"""Which reasons fit which story: what somebody who knew the story would accept as its anomaly.

The truth of the sandbox names the reasons that good detection gives. A story counts as raised when
any of the reasons here was said of it; a few more are accepted than the truth names, because
another detector may see the same deed from its own side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridtrail.sandbox.plan import ATTACKS

_CLIENT = {"user_agent", "unexpected_user_agent", "unexpected_client", "spoofed_user_agent"}
_NETWORK = {"ip_address", "asn", "session_fingerprint"}
_VOLUME = {"excessive_downloads", "unexpected_scraping"}

FITTING: Mapping[str, frozenset[str]] = {
    "matt": frozenset(_CLIENT | _VOLUME),
    "stolen_session": frozenset(_NETWORK | _CLIENT | _VOLUME),
    "tor": frozenset({"tor"}),
    "slow_exfiltration": frozenset({"excessive_downloads"}),
    "spoofed_client": frozenset({"spoofed_user_agent", "unexpected_client"}),
    "new_network_login": frozenset(_NETWORK),
    "mimic": frozenset(_VOLUME),
    "compromised_admin": frozenset({"unexpected_admin_action", *_NETWORK}),
    "malicious_app": frozenset({"ip_address", "asn", *_VOLUME}),
    "malware": frozenset({"excessive_malware_uploads"}),
}
"""Attack -> reasons, any of which shows that it was seen. The mimic has those that it could have
had; it is expected to have none."""


def fits(kind: str, reasons: Iterable[str]) -> bool:
    """Whether any of `reasons` fits the attack `kind`."""
    return not FITTING[kind].isdisjoint(reasons)


if set(FITTING) != ATTACKS:
    raise AssertionError(f"name the fitting reasons of {sorted(set(FITTING) ^ ATTACKS)}")
