"""The settings under `[policy]`: what an organization sanctions, forbids and expects."""

from __future__ import annotations

from datetime import date as date_
from datetime import time as time_
from ipaddress import ip_network
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator, model_validator


class LeaverSettings(BaseModel, extra="forbid"):
    """Somebody who leaves."""

    person: str = Field(min_length=1, description="E-mail address or Slack id.")
    date: date_ = Field(description="The last day, UTC.")


class PolicySettings(BaseModel, extra="forbid"):
    """What this organization sanctions, forbids and expects. It moves the score of findings and is
    said in them (docs/findings.md); detection does not know of it."""

    sanctioned_clients: list[str] = Field(
        default=[],
        description="Clients that are agreed, by family or by a pattern of the user agent (`*` "
        "stands for any text). Anybody can claim a name, so it counts only where the access itself "
        "is not unusual.",
    )
    forbidden_clients: list[str] = Field(
        default=[],
        description="Clients that nobody may use, in the same form: any anomaly with one of them "
        "is at least medium.",
    )
    vpn_networks: list[str] = Field(
        default=[], description="CIDR ranges of the company VPN's egress."
    )
    vpn_asns: list[int] = Field(
        default=[], description="ASNs from which the company VPN comes out and nothing else does."
    )
    expected_countries: list[str] = Field(
        default=[],
        description="Two-letter codes of the countries where people work; any other is worse. "
        "Empty: every country.",
    )
    forbidden_countries: list[str] = Field(
        default=[], description="Two-letter codes of countries from which nobody may work."
    )
    working_days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default=["mon", "tue", "wed", "thu", "fri"], description="Days on which people work."
    )
    working_from: time_ | None = Field(
        default=None,
        description="When work begins, as 07:00; without it and `working_to` hours say nothing.",
    )
    working_to: time_ | None = Field(
        default=None,
        description="When work ends; before `working_from` when it ends on the next day.",
    )
    time_zone: str = Field(
        default="UTC", description="Time zone of the working hours, such as Europe/Berlin."
    )
    service_accounts: list[str] = Field(
        default=[],
        description="Accounts that programs work with, by e-mail address or Slack id: their client "
        "and their hours say nothing, but another network says more.",
    )
    leavers: list[LeaverSettings] = Field(
        default=[],
        description="Who leaves, each a table `[[policy.leavers]]` with `person` and `date`.",
    )
    crown_jewel_channels: list[str] = Field(
        default=[], description="Channels that matter most: ids, or patterns of their name."
    )
    crown_jewel_files: list[str] = Field(
        default=[], description="Patterns of names of files that matter most, such as *leads*."
    )

    @field_validator("vpn_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for one in value:
            ip_network(one, strict=False)
        return value

    @field_validator("expected_countries", "forbidden_countries")
    @classmethod
    def _countries(cls, value: list[str]) -> list[str]:
        wrong = [one for one in value if not (len(one) == 2 and one.isascii() and one.isalpha())]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no two-letter country code")
        return [one.upper() for one in value]

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value != "UTC":
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, OSError) as error:
                raise ValueError(f"{value!r} is no known time zone") from error
        return value

    @model_validator(mode="after")
    def _hours(self) -> PolicySettings:
        if (self.working_from is None) != (self.working_to is None):
            raise ValueError("working_from and working_to go together: give both or none")
        return self
