"""From settings to sources: what a source leaves out is as in `[collect]`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from gridtrail.collect.slack_api.lanes import Source
from gridtrail.errors import BadSettings
from gridtrail.settings import CollectSettings, Settings, SourceSettings
from gridtrail.slack.audit_api import BEGINNING


def sources(settings: Settings) -> list[Source]:
    """The organizations that the settings name; without `collect.sources` it is one.

    Raises BadSettings when both `collect.org` and `collect.sources` are set.
    """
    shared = settings.collect
    if not shared.sources:
        return [_source(shared, SourceSettings(org=shared.org or settings.org))]
    if shared.org is not None:
        raise BadSettings(
            "collect.org and collect.sources are both set: name the organization in one of them."
        )
    return [_source(shared, one) for one in shared.sources]


def _source(shared: CollectSettings, one: SourceSettings) -> Source:
    # a token is for the address it was given with, and goes nowhere else
    token = shared.token if one.base_url in (None, shared.base_url) else None
    actions = shared.actions if one.actions is None else one.actions
    return Source(
        org=one.org,
        token=one.token or token,
        base_url=one.base_url or shared.base_url,
        actions=tuple(actions),
        since=_second(one.since or shared.since),
        settle=shared.settle_seconds,
        overlap=shared.overlap_seconds,
        poll=shared.poll_seconds,
        calls_per_minute=one.calls_per_minute or shared.calls_per_minute,
        limit=shared.limit,
        allow_http=shared.allow_http,
    )


def _second(day: date | None) -> int:
    if day is None:
        return BEGINNING
    return int(datetime.combine(day, time(), UTC).timestamp())
