"""The settings under `[respond]`: with what, and on whom, Gridtrail may act in Slack."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr


class RespondSettings(BaseModel, extra="forbid"):
    """Acting in Slack: ending sessions, and the anomaly allow list (docs/responding.md)."""

    token: SecretStr | None = Field(
        default=None,
        description="User token (xoxp-…) of an Org Owner or Admin with the scopes "
        "admin.users:read and admin.users:write (sessions) and admin (allow list), of an app "
        "installed on the Enterprise organization. Best given in the environment, as "
        "GRIDTRAIL_RESPOND__TOKEN.",
    )
    base_url: str = Field(
        default="https://slack.com/api/", description="Address of Slack's Web API."
    )
    allow_http: bool = Field(
        default=False,
        description="Call an unencrypted http:// address on another machine: whoever is on the "
        "way can read the token.",
    )
    timeout_seconds: int = Field(default=30, ge=1, le=600, description="Patience with one call.")
    longest_wait_seconds: int = Field(
        default=120,
        ge=0,
        description="When Slack says to wait (429), wait so long in all; then give up.",
    )
    org: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The organization in the lake that the token belongs to; by default that of "
        "`[collect]`, or the setting `org`.",
    )
    never: list[str] = Field(
        default=[], description="People (Slack ids or e-mail addresses) who are never signed out."
    )
    primary_owners: list[str] = Field(
        default=[],
        description="Primary owners (Slack ids or e-mail addresses): only they can end their own "
        "sessions, so Slack is not asked.",
    )
    four_eyes: bool = Field(
        default=False, description="A second person has to approve each signing out."
    )
    approval_hours: int = Field(
        default=24, ge=1, le=720, description="What nobody approved within so many hours ends."
    )
    confirm_seconds: int = Field(
        default=900,
        ge=0,
        description="When Slack's own event of a signing out is not in the lake after so long, it "
        "counts as unconfirmed (it still becomes confirmed later).",
    )
    risky_share_percent: int = Field(
        default=20,
        ge=1,
        le=100,
        description="An allow-list entry that fits more of all events of the last 30 days than "
        "this asks twice.",
    )
