"""Times and durations as people type them."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime

from gridtrail.errors import WrongUse

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_EPOCH = re.compile(r"(0|[0-9]{9,11})\Z")
_DAY = 86_400


def parse_duration(text: str) -> int:
    """Seconds of `90s`, `30m`, `2h`, `3d` or `1w`.

    Raises WrongUse for anything else.
    """
    found = _DURATION.match(text.strip())
    if found is None:
        raise WrongUse(f"{text!r} is no duration: write for example 90s, 30m, 2h, 3d or 1w.")
    return int(found[1]) * _UNITS[found[2]]


def parse_time(text: str, *, end: bool = False, now: int | None = None) -> int:
    """Seconds since the epoch, UTC, of a time as people type it.

    Takes seconds since the epoch, `2026-10-01`, `2026-10-01T08:15`, with seconds and zone if you
    like (without a zone it is UTC), or a duration before `now`: `2h`, `3d`. A date alone is its
    first second, or its last when `end`.

    Raises WrongUse for anything else.
    """
    text = text.strip()
    if _EPOCH.match(text):
        return int(text)
    if _DURATION.match(text):
        return (int(time.time()) if now is None else now) - parse_duration(text)
    try:
        if _DATE.match(text):
            return _seconds(datetime.fromisoformat(text)) + (_DAY - 1 if end else 0)
        if "-" in text:
            return _seconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise WrongUse(f"{text!r} is no time ({error}): {_EXAMPLES}.") from error
    raise WrongUse(f"{text!r} is no time: {_EXAMPLES}.")


_EXAMPLES = (
    "write seconds since the epoch, 2026-10-01, 2026-10-01T08:15:00Z, or 2h or 3d for that long ago"
)


def parse_day(text: str, *, now: int | None = None) -> date:
    """The UTC day of a time as `parse_time` takes it."""
    return datetime.fromtimestamp(parse_time(text, now=now), UTC).date()


def _seconds(moment: datetime) -> int:
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(utc.timestamp())
