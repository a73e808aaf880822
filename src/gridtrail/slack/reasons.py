"""The reasons of Slack's anomaly events: the eighteen documented codes and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code, as Slack's documentation of anomaly events describes it."""

    code: str
    meaning: str
    entities: tuple[str, ...] = ("user",)  # whose behaviour it marks: "app", "user"
    companion: str | None = None  # the code that always comes with this one
    details_keys: tuple[str, ...] = ()  # keys in `details` beyond the common ones
    deprecated: bool = False  # Slack no longer writes it
    can_end_sessions: bool = False  # the automatic anomaly event response may be set to act on it


_BOTH = ("app", "user")
_FINGERPRINTS = ("client_ja3_fingerprint", "client_ja4_fingerprint")

_REASONS = (
    Reason("asn", "the address belongs to an ASN on a suspicious list", _BOTH, "ip_address"),
    Reason("excessive_downloads", "too many file downloads", _BOTH, can_end_sessions=True),
    Reason("excessive_file_shares", "too many file shares", _BOTH),
    Reason("excessive_malware_uploads", "too many malware files uploaded or shared", _BOTH),
    Reason(
        "ip_address",
        "the address is odd against the token's address history and what is known of the address",
        _BOTH,
        details_keys=("ip_address_details",),
    ),
    Reason(
        "potential_spam",
        "many calls to an API that can disturb a workspace",
        details_keys=("api_call_method",),
    ),
    Reason("search_volume", "searches under suspicious circumstances", deprecated=True),
    Reason(
        "session_fingerprint",
        "the session cookie has an unexpected or stale timestamp, or the client fingerprint "
        "differs",
        can_end_sessions=True,
    ),
    Reason(
        "spoofed_user_agent",
        "traits of the client do not match its user agent",
        companion="unexpected_client",
        details_keys=("detected_client", *_FINGERPRINTS),
        can_end_sessions=True,
    ),
    Reason("tor", "a Tor exit node was used", _BOTH, can_end_sessions=True),
    Reason("unexpected_admin_action", "odd behaviour of an administrator's account"),
    Reason(
        "unexpected_api_call_volume",
        "more API calls than a browser or an official client would make",
        can_end_sessions=True,
    ),
    Reason(
        "unexpected_client", "odd Slack client", details_keys=("detected_client", "detected_os")
    ),
    Reason(
        "unexpected_credential_testing",
        "a credential was tested for validity under suspicious circumstances",
        ("app",),
    ),
    Reason("unexpected_message_deletion", "too many messages deleted"),
    Reason(
        "unexpected_scraping",
        "a tool fit for scraping was detected",
        details_keys=("scraping_tool",),
        can_end_sessions=True,
    ),
    Reason(
        "unexpected_user_agent",
        "the user agent changed to one not expected of a person",
        companion="user_agent",
        can_end_sessions=True,
    ),
    Reason(
        "user_agent",
        "the change of user agent looks wrong, for instance to an older version",
        details_keys=("user_agent_change_details",),
    ),
)

REASONS: Mapping[str, Reason] = MappingProxyType({reason.code: reason for reason in _REASONS})
"""Every documented reason by its code, in alphabetical order (which is the canonical order)."""


def with_companions(codes: Iterable[str]) -> tuple[str, ...]:
    """`codes` with the codes that always come with them, each once, in alphabetical order.

    Slack does not specify an order; ours is fixed so that equal sets give equal bytes. A code
    that is not documented is kept: Slack may add one at any time.
    """
    complete = set(codes)
    for code in tuple(complete):
        reason = REASONS.get(code)
        if reason is not None and reason.companion is not None:
            complete.add(reason.companion)
    return tuple(sorted(complete))
