"""The settings under `[respond]`: with what, and on whom, Gridtrail may act in Slack."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from gridtrail.slack.reasons import REASONS

GROUP = "group:"
"""How a name of `respond.groups` begins where people are listed."""


class AutomaticRule(BaseModel, extra="forbid"):
    """One rule of the automatic response: all that is named must fit, of a list one suffices."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$", description="Shown in the record."
    )
    reasons: list[str] = Field(default=[], description="Anomaly reasons of the finding.")
    patterns: list[str] = Field(
        default=[], description="Patterns of the finding, such as stolen_session."
    )
    severity: Literal["low", "medium", "high", "critical"] | None = Field(
        default=None, description="The finding is at least so severe."
    )
    rules: list[str] = Field(default=[], description="Sigma rules that hit, by their name.")
    do: Literal["sign_out", "sign_out_mobile", "sign_out_web", "end_sessions", "notify"] = Field(
        default="sign_out",
        description="Sign the person out everywhere, on mobile devices, or on the web and desktop; "
        "end the sessions of the finding alone; or only tell about it.",
    )
    never: list[str] = Field(
        default=[], description="Whom it spares, beside `respond.never`, in the same form."
    )
    mode: Literal["record", "act"] = Field(
        default="act", description="With record this rule only says what it would have done."
    )

    @field_validator("reasons")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        unknown = sorted(set(value) - set(REASONS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no reason: use {', '.join(REASONS)}")
        return value

    @model_validator(mode="after")
    def _says_when(self) -> AutomaticRule:
        if not (self.reasons or self.patterns or self.rules or self.severity):
            raise ValueError("say when: give reasons, patterns, rules or severity")
        return self


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
        default=[],
        description="People who are never signed out: Slack ids, e-mail addresses (`*` stands for "
        "any text, as in *@board.acme.example), or group:NAME for one of `respond.groups`.",
    )
    groups: dict[str, list[str]] = Field(
        default={}, description="Groups of people: name -> Slack ids and e-mail addresses."
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
    automatic_mode: Literal["off", "record", "act"] = Field(
        default="off",
        description="Automatic response: nothing; write down what it would do; or do it.",
    )
    automatic: list[AutomaticRule] = Field(
        default=[],
        description="When to respond automatically, each a table `[[respond.automatic]]`; the "
        "first rule that fits decides.",
    )
    automatic_fresh_hours: int = Field(
        default=24, ge=1, le=720, description="What happened longer ago is left to people."
    )
    automatic_again_minutes: int = Field(
        default=60,
        ge=1,
        description="Within so long nobody is signed out automatically again, unless they signed "
        "in anew meanwhile.",
    )
    automatic_most_a_day: int = Field(
        default=3,
        ge=1,
        description="In 24 hours nobody is signed out automatically more often than this.",
    )
    automatic_people_an_hour: int = Field(
        default=10,
        ge=1,
        description="The brake: before more people than this are signed out automatically within "
        "an hour, it stops until `gridtrail responses release`.",
    )
    slack_ends_sessions_for: list[str] | None = Field(
        default=None,
        description="Reasons for which Slack's own anomaly event response ends sessions (Slack "
        "has no method to ask); by default, what Slack's log last said of that setting.",
    )
    slack_response_seconds: int = Field(
        default=300,
        ge=0,
        description="Slack's own response gets so long after Slack's anomaly before Gridtrail's.",
    )

    @field_validator("slack_ends_sessions_for")
    @classmethod
    def _can_end(cls, value: list[str] | None) -> list[str] | None:
        can = [code for code, one in REASONS.items() if one.can_end_sessions]
        unknown = sorted(set(value or ()) - set(can))
        if unknown:
            raise ValueError(f"{unknown[0]!r} cannot end sessions: use {', '.join(can)}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> RespondSettings:
        names = [rule.name for rule in self.automatic]
        if len(set(names)) != len(names):
            raise ValueError("two tables of respond.automatic have the same name")
        lists = [self.never, self.primary_owners, *(rule.never for rule in self.automatic)]
        for one in (one for people in lists for one in people):
            if one.startswith(GROUP) and one.removeprefix(GROUP) not in self.groups:
                raise ValueError(f"{one!r} names no group of respond.groups")
        return self
