"""The settings under `[notify]`: who hears what, and by which way."""

from __future__ import annotations

from datetime import time as time_
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

Severity = Literal["low", "medium", "high", "critical"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_NEEDS = {
    "slack": (("token", "token_file"), ("to",)),
    "webhook": (("url", "url_file"), ("secret", "secret_file")),
    "apprise": (("url", "url_file"),),
}
_GROUP_SECONDS = {"slack": 30, "webhook": 0, "apprise": 30}
_PER_HOUR = {"slack": 20, "webhook": 0, "apprise": 20}


class ChannelSettings(BaseModel, extra="forbid"):
    """One way to reach people or programs. Secrets are best given as files: paths are relative to
    the data directory, and read anew for each message."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="What rules call it.")
    kind: Literal["slack", "webhook", "apprise"] = Field(
        description="`slack`: messages of a bot, brought up to date in place; `webhook`: signed "
        "JSON; `apprise`: any service that Apprise knows, as text."
    )
    token: SecretStr | None = Field(
        default=None, description="slack: bot token (xoxb-…) with the scope chat:write."
    )
    token_file: Path | None = Field(default=None, description="The same, in a file.")
    to: str | None = Field(
        default=None, min_length=1, description="slack: id of the conversation, such as C0123ABCD."
    )
    base_url: str = Field(
        default="https://slack.com/api/", description="slack: address of Slack's Web API."
    )
    url: SecretStr | None = Field(
        default=None, description="webhook: address to post to; apprise: address of the service."
    )
    url_file: Path | None = Field(default=None, description="The same, in a file.")
    secret: SecretStr | None = Field(
        default=None,
        description="webhook: what messages are signed with; any text, or whsec_ and base64.",
    )
    secret_file: Path | None = Field(default=None, description="The same, in a file.")
    previous_secret: SecretStr | None = Field(
        default=None,
        description="webhook: the secret before it; messages are signed with both until the "
        "receiver knows the new one.",
    )
    previous_secret_file: Path | None = Field(default=None, description="The same, in a file.")
    ca_file: Path | None = Field(
        default=None, description="webhook: certificates (PEM) to trust instead of the public ones."
    )
    allow_http: bool = Field(
        default=False,
        description="Use an unencrypted http:// address on another machine: whoever is on the way "
        "can read along.",
    )
    timeout_seconds: float = Field(
        default=10, gt=0, le=120, description="Patience with one call, all of it together."
    )
    group_seconds: int | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="A notice waits so long for others, and they become one message; by default "
        "30, for webhooks 0 (each alone).",
    )
    per_hour: int | None = Field(
        default=None,
        ge=0,
        description="At most so many messages with new findings in an hour, what is more waits "
        "and becomes one; 0 is no limit. By default 20, for webhooks 0.",
    )
    urgent: Severity | Literal["none"] = Field(
        default="critical",
        description="Findings of at least this severity do not wait for that limit, so that a "
        "flood of small ones cannot hold them up.",
    )
    work: bool = Field(
        default=True,
        description="Also hears when Gridtrail itself fails or goes blind, and when it is well.",
    )

    @property
    def grouping(self) -> int:
        """Seconds that a notice waits for others."""
        return _GROUP_SECONDS[self.kind] if self.group_seconds is None else self.group_seconds

    @property
    def hourly(self) -> int:
        """Messages with new findings an hour; 0 is no limit."""
        return _PER_HOUR[self.kind] if self.per_hour is None else self.per_hour

    @model_validator(mode="after")
    def _complete(self) -> ChannelSettings:
        for names in _NEEDS[self.kind]:
            if all(getattr(self, name) is None for name in names):
                raise ValueError(f"a channel of kind {self.kind} needs {' or '.join(names)}")
            if all(getattr(self, name) is not None for name in names) and len(names) > 1:
                raise ValueError(f"give {' or '.join(names)}, not both")
        return self


class RuleSettings(BaseModel, extra="forbid"):
    """Who hears what. All that a rule names must fit, one of each list is enough; a finding that
    fits several rules is told once in each channel."""

    channels: list[str] = Field(min_length=1, description="Names of channels.")
    severity: Severity = Field(default="medium", description="The least severity.")
    reasons: list[str] = Field(default=[], description="Only findings with one of these reasons.")
    patterns: list[str] = Field(
        default=[], description="Only with one of these patterns, such as stolen_session."
    )
    rules: list[str] = Field(
        default=[], description="Only with a hit of one of these rules; `*` stands for any text."
    )
    people: list[str] = Field(
        default=[],
        description="Only about one of these: Slack id or e-mail address; `*` is any text.",
    )
    groups: list[str] = Field(
        default=[], description="Only about somebody of one of these groups of `notify.groups`."
    )
    orgs: list[str] = Field(default=[], description="Only of these organizations.")
    days: list[Weekday] = Field(
        default=["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        description="Days on which it speaks.",
    )
    hours_from: time_ | None = Field(
        default=None, description="When on these days it begins to speak, as 07:00."
    )
    hours_to: time_ | None = Field(
        default=None, description="When it ends; before `hours_from` when that is on the next day."
    )
    time_zone: str = Field(
        default="UTC", description="Time zone of days and hours, such as Europe/Berlin."
    )
    outside: Literal["later", "never"] = Field(
        default="later",
        description="What is found outside these hours is told when they begin, or never.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _hours(self) -> RuleSettings:
        if (self.hours_from is None) != (self.hours_to is None):
            raise ValueError("hours_from and hours_to go together: give both or none")
        if not self.days:
            raise ValueError("without any day it never speaks: name one")
        return self


class DigestSettings(BaseModel, extra="forbid"):
    """A short account of each day."""

    channels: list[str] = Field(default=[], description="Channels that get it; none: no digest.")
    hour: int = Field(default=8, ge=0, le=23, description="When, in `time_zone`.")
    time_zone: str = Field(default="UTC", description="Time zone, such as Europe/Berlin.")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)


class NotifySettings(BaseModel, extra="forbid"):
    """Telling people and programs what was found (docs/notifications.md)."""

    channels: list[ChannelSettings] = Field(
        default=[], description="Where to, each a table `[[notify.channels]]`."
    )
    rules: list[RuleSettings] = Field(
        default=[],
        description="Who hears what, each a table `[[notify.rules]]`; without any, every channel "
        "hears of findings that are medium or worse.",
    )
    groups: dict[str, list[str]] = Field(
        default={},
        description="Groups of people for the rules: a name, and their Slack ids or e-mail "
        "addresses (`*` stands for any text, as in *@board.acme.example).",
    )
    digest: DigestSettings = DigestSettings()
    oldest_days: int = Field(
        default=7,
        ge=1,
        description="A finding whose last anomaly is older is not told: the log of years that is "
        "read in at the beginning is no news.",
    )
    attempts: int = Field(
        default=500,
        ge=1,
        description="A message that failed so often goes to the dead letters; with the longest "
        "pause that is more than three days.",
    )
    longest_pause_seconds: int = Field(
        default=600, ge=1, le=86_400, description="The longest pause between two attempts."
    )
    work_after_seconds: int = Field(
        default=300,
        ge=0,
        description="Failing work is told when it has failed for so long.",
    )
    poll_seconds: int = Field(
        default=5, ge=1, le=3600, description="How often `serve` looks for something to tell."
    )

    @model_validator(mode="after")
    def _known(self) -> NotifySettings:
        names = [one.name for one in self.channels]
        if len(set(names)) < len(names):
            raise ValueError("two channels have the same name")
        wanted = [name for rule in self.rules for name in rule.channels] + self.digest.channels
        if unknown := [name for name in wanted if name not in names]:
            raise ValueError(f"there is no channel {unknown[0]!r}")
        if lost := [g for rule in self.rules for g in rule.groups if g not in self.groups]:
            raise ValueError(f"there is no group {lost[0]!r}")
        return self


def known_zone(value: str) -> str:
    """`value`, when it names a time zone. Raises ValueError."""
    if value != "UTC":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            raise ValueError(f"{value!r} is no known time zone") from error
    return value
