"""What several resources answer with, described for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""A whole number as JSON means it: `7.0` is one, `"7"` is none."""

Seconds = Annotated[int, Field(description="Seconds since the epoch, UTC.")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Limit = Annotated[int, Field(ge=1, le=1000)]
CursorText = Annotated[str, Field(min_length=1, max_length=4000)]
NextCursor = Annotated[
    str | None, Field(description="Where the next page begins; null at the end.")
]
TIME = (
    "Unix seconds, a date (`2026-11-20`), a date and time (`2026-11-20T19:30`, UTC), or `7d`, "
    "`12h`, `4w` ago."
)
Time = Annotated[str, Field(min_length=2, max_length=40)]


class Shape(BaseModel):
    """An object of an answer: it has these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Query(BaseModel):
    """The parameters of a route: there are these and no others."""

    model_config = ConfigDict(extra="forbid")


class Body(BaseModel):
    """What a change takes: these fields and no others, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class EventRow(Shape):
    """An event of a listing. All texts are as they came: whoever made the event chose them."""

    org: str = Field(description="The organization.")
    id: str = Field(description="The event's id.")
    date_create: Seconds
    day: str = Field(description="Its UTC day, such as `2026-11-20`.")
    action: str = Field(description="Slack's name of what was done.")
    actor_type: str | None = Field(description="`user` or another type.")
    actor_id: str | None = Field(description="Who did it.")
    actor_name: str | None = Field(description="Their name.")
    actor_email: str | None = Field(description="Their e-mail address.")
    actor_team: str | None = Field(description="Their workspace or organization.")
    entity_type: str | None = Field(description="What kind of thing it was done to.")
    entity_id: str | None = Field(description="The id of that.")
    entity_name: str | None = Field(description="The name of that.")
    location_type: str | None = Field(description="`workspace` or `enterprise`.")
    location_id: str | None = Field(description="Where it happened.")
    location_domain: str | None = Field(description="The domain of that.")
    ua: str | None = Field(description="The user agent.")
    ip: str | None = Field(description="The address.")
    session_id: str | None = Field(description="The session.")
    app_id: str | None = Field(description="The app through which it was done.")
    reasons: list[str] | None = Field(description="Of an anomaly: why it was raised.")
    details: str | None = Field(description="Slack's `details`, as JSON text.")
    source: str = Field(
        description="How it came: `slack`, `gridtrail` (made here), `import` or `post`."
    )
    ingested_at: str = Field(description="When it was stored, ISO 8601.")


Facts = dict[str, Any]
