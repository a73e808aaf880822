"""Refusals of the far side in words that end with the next step."""

from __future__ import annotations

_TOKEN = "use the user token (xoxp-…) of an app with the scope auditlogs:read"  # noqa: S105
_OWNER = "have an Org Owner install the app on the Enterprise organization"

# error code (facts reference 1.4) -> what it means, what to do
_KNOWN = {
    "missing_authentication": ("no token was sent", f"set collect.token and {_TOKEN}"),
    "invalid_authentication": (
        "the token is not valid, lacks the scope auditlogs:read, or is not an Org Owner's",
        f"{_TOKEN} and {_OWNER}",
    ),
    "not_authed": ("no token was sent", f"set collect.token and {_TOKEN}"),
    "invalid_auth": ("the token is not valid", _TOKEN),
    "token_revoked": ("the token was revoked", f"{_OWNER} again and set the new collect.token"),
    "token_expired": ("the token has expired", f"{_OWNER} again and set the new collect.token"),
    "account_inactive": ("the token's owner was deactivated", f"{_OWNER}; set the new token"),
    "missing_scope": ("the token lacks a scope", f"{_TOKEN}; reinstall the app after adding it"),
    "feature_not_enabled": (
        "this organization has no audit logs",
        "check that it is on the Enterprise plan",
    ),
    "invalid_workspace": (
        "audit logs cannot be read with this workspace",
        f"{_OWNER}, not on a workspace",
    ),
    "team_not_authorized": (
        "the app is installed on a workspace and not on the organization",
        f"{_OWNER}, not on a workspace",
    ),
    "user_not_authorized": ("whoever installed the app is no Org Owner", _OWNER),
    "method_not_allowed": ("this token or workspace may not call it", f"{_TOKEN}; {_OWNER}"),
    "bad_endpoint": (
        "there is no such address",
        "check collect.base_url (Slack's is https://api.slack.com/audit/v1/)",
    ),
}

_STATUSES = {
    401: "invalid_authentication",
    403: "user_not_authorized",
    404: "bad_endpoint",
    410: "bad_endpoint",
}


def next_step(error: str | None, status: int, url: str) -> str:
    """One sentence on a refusal: what the far side said, what it means, what to do."""
    known = _KNOWN.get(error or _STATUSES.get(status, ""))
    said = f"{status} {_shown(error)}" if error else f"{status} without an error code"
    where = f" by {url}" if url else ""
    if 300 <= status < 400:
        return f"Refused{where} ({said}): it redirects, set collect.base_url to where it leads."
    if known is None:
        return f"Refused{where} ({said}): check collect.base_url, and what stands in between."
    means, step = known
    return f"Refused{where} ({said}: {means}): {step}."


def _shown(error: str | None) -> str:
    # the far side's words go to a log line: keep them short and plain
    text = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "?" for c in error or "")
    return text[:64]
