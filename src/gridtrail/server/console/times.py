"""Times in addresses and forms of the console: seconds since the epoch, UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from gridtrail.errors import WrongUse
from gridtrail.slack.audit_api import BEGINNING

DAY = 86_400

_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_BACK = re.compile(r"([0-9]{1,4})([hdw])", re.ASCII)
_UNITS = {"h": 3600, "d": DAY, "w": 7 * DAY}


def parsed(text: str, *, end: bool = False) -> int:
    """The second that `text` names: Unix seconds, a date, a date and time, or `7d` (ago).

    With `end` a date is its last second. Raises WrongUse when it is none of them.
    """
    wanted = text.strip()
    if _SECONDS.fullmatch(wanted):
        return int(wanted)
    if back := _BACK.fullmatch(wanted):
        return max(BEGINNING, int(time.time()) - int(back[1]) * _UNITS[back[2]])
    try:
        moment = datetime.fromisoformat(wanted)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        second = int(moment.timestamp())
    except (ValueError, OverflowError):
        raise WrongUse(
            f"{wanted[:40]!r} is no time: write 2026-11-20, 2026-11-20T19:30 or 7d."
        ) from None
    return second + DAY - 1 if end and _DATE.fullmatch(wanted) else second


def written(second: int) -> str:
    """`2026-11-20T19:16:10`, as addresses and forms hold it; UTC."""
    return _moment(second).isoformat(timespec="seconds")


def said(second: int) -> str:
    """`2026-11-20 19:16:10`, as people read it; UTC."""
    return _moment(second).isoformat(" ", "seconds")


def day_said(second: int) -> str:
    """`20 Nov 2026`."""
    return _moment(second).strftime("%d %b %Y").lstrip("0")


def lasted(seconds: int) -> str:
    """A duration in its largest units: `45 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((DAY, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "days" and seconds >= size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _moment(second: int) -> datetime:
    # a stranger's number may lie outside of what a calendar holds
    bounded = min(max(second, -62_135_596_800), 253_402_300_799)
    return datetime.fromtimestamp(bounded, UTC).replace(tzinfo=None)
