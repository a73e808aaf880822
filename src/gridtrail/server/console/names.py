"""What people are called, for pages that know their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.server.console.listing import select
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.times import DAY

_DAYS = 31
_MOST = 200


def names_of(lake: Lake, org: str, people: Iterable[str | None], last: int) -> Mapping[str, str]:
    """Id -> name of those of `people` who did something in the month before the second `last`.

    At most some hundreds are looked up; the others are left out.
    """
    listed = sorted({one for one in people if one})[:_MOST]
    if not listed:
        return {}
    wanted = Selection(
        EventFilter(org=org, oldest=last - _DAYS * DAY, latest=last),
        more=(f"actor_id IN ({', '.join('?' * len(listed))})", tuple(listed)),
    )
    what = "actor_id, arg_max(actor_name, date_create) AS name"
    found = select(lake, wanted, what, "AND actor_name IS NOT NULL GROUP BY actor_id")
    return {row["actor_id"]: row["name"] for row in found}
