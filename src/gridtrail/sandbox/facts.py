"""Does a log look like a real organization's? The measured facts beside those of an event stream.

The facts come from real Slack activity (52,739 messages of 1,563 users). They are about what
people do, so rows are first joined to *deeds*: rows of one actor at most 5 seconds apart are one
deed (a viewed video is several `file_downloaded` rows). Apps (context with `app`, or no session)
are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from gridtrail.sandbox.clock import DAY, HOUR, weekday

DEED_SECONDS = 5
SESSION_SECONDS = 1_800
MIN_ACTIVE_DAYS = 10
"""Days a person has to be active on to count in the spreads and the variance."""
MANY_ACTIVE_DAYS = 20
"""A second, stricter threshold for the variance over the mean, which depends on it strongly: the
source of that fact does not say who was counted, so both are shown."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table: what, the range seen in reality, and the value measured here."""

    name: str
    low: float
    high: float
    value: float

    @property
    def holds(self) -> bool:
        """Whether the value lies within the range."""
        return self.low <= self.value <= self.high


# Where the source gives one number (12.5, .87), the range around it is ours.
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("hour of day, peak / trough", 6, 14),
    ("weekend share", 0.12, 0.17),
    ("share of the top 10 % of users", 0.67, 0.71),
    ("Gini of user volumes", 0.76, 0.79),
    ("deeds a session, median", 2, 2),
    ("deeds a session, p99", 23, 27),
    ("gap inside a session, median seconds", 66, 74),
    ("user-day variance / mean, 10 active days", 10, 15),
    ("user-day variance / mean, 20 active days", 10, 15),
    ("mean ln(deeds of an active day)", 1.05, 1.2),
    ("within-user sd of ln(deeds)", 0.82, 0.92),
    ("between-user sd of mean ln(deeds)", 0.45, 0.5),
)


def measure(events: Iterable[bytes | dict[str, Any]]) -> list[Fact]:
    """The table for `events` (JSON lines or parsed events, any order; at least one user-day)."""
    users, times = _human_deeds(events)
    values = (*_calendar(times), *_volumes(users), *_sessions(users, times), *_days(users, times))
    return [
        Fact(name, low, high, value)
        for (name, low, high), value in zip(_RANGES, values, strict=True)
    ]


def render(facts: list[Fact]) -> str:
    """The table as text, reality beside the simulation."""
    lines = [f"{'fact':40} {'reality':>15} {'here':>9}"]
    for fact in facts:
        span = f"{fact.low:g}" if fact.low == fact.high else f"{fact.low:g} - {fact.high:g}"
        mark = "" if fact.holds else "  outside"
        lines.append(f"{fact.name:40} {span:>15} {fact.value:9.3f}{mark}")
    return "\n".join(lines)


def _human_deeds(events: Iterable[bytes | dict[str, Any]]) -> tuple[Ints, Ints]:
    """User number and time of every deed, ordered by user and time."""
    numbers: dict[str, int] = {}
    users, times = [], []
    for event in events:
        record = orjson.loads(event) if isinstance(event, bytes) else event
        context = record["context"]
        if context.get("app") or context.get("session_id") is None or record["action"] == "anomaly":
            continue
        if (record.get("details") or {}).get("type") == "INVITED":
            continue  # the inviter's doing, and the inviter is not the actor
        actor = record["actor"]["user"]["id"]
        users.append(numbers.setdefault(actor, len(numbers)))
        times.append(record["date_create"])
    user, time = np.array(users, dtype=np.int64), np.array(times, dtype=np.int64)
    order = np.lexsort((time, user))
    user, time = user[order], time[order]
    fresh = np.ones(len(user), dtype=bool)
    fresh[1:] = (user[1:] != user[:-1]) | (np.diff(time) > DEED_SECONDS)
    return user[fresh], time[fresh]


def _calendar(times: Ints) -> tuple[float, float]:
    hours = np.bincount(times % DAY // HOUR, minlength=24)
    weekdays = Counter(weekday(int(day)) for day in times // DAY)
    weekend = (weekdays[5] + weekdays[6]) / len(times)
    return float(hours.max() / max(hours.min(), 1)), weekend


def _volumes(users: Ints) -> tuple[float, float]:
    counts = np.sort(np.bincount(users))
    top = counts[-max(1, round(len(counts) / 10)) :].sum() / counts.sum()
    rank = np.arange(1, len(counts) + 1)
    gini = 2 * (rank * counts).sum() / (len(counts) * counts.sum()) - (len(counts) + 1) / len(
        counts
    )
    return float(top), float(gini)


def _sessions(users: Ints, times: Ints) -> tuple[float, float, float]:
    gap = np.diff(times)
    same = (users[1:] == users[:-1]) & (gap <= SESSION_SECONDS)
    session = np.concatenate([[0], np.cumsum(~same)])
    sizes = np.bincount(session)
    return float(np.median(sizes)), float(np.quantile(sizes, 0.99)), float(np.median(gap[same]))


def _days(users: Ints, times: Ints) -> tuple[float, float, float, float, float]:
    """Median variance/mean (both thresholds), mean of the logs, spreads within and between users.

    A user's variance is over all days of the period, days without deeds included.
    """
    key = users * 1_000_000 + times // DAY
    cells, counts = np.unique(key, return_counts=True)
    owner = cells // 1_000_000
    logs = np.log(counts)
    span = int((times // DAY).max() - (times // DAY).min()) + 1
    ratios, busy_ratios, means, spreads = [], [], [], []
    for user in np.unique(owner):
        mine = owner == user
        active = int(mine.sum())
        if active < MIN_ACTIVE_DAYS:
            continue
        whole = np.zeros(max(span, active))
        whole[:active] = counts[mine]
        ratios.append(whole.var() / whole.mean())
        if active >= MANY_ACTIVE_DAYS:
            busy_ratios.append(ratios[-1])
        means.append(logs[mine].mean())
        spreads.append(logs[mine].var(ddof=1))
    if not ratios:
        return 0.0, 0.0, float(logs.mean()), 0.0, 0.0
    return (
        float(np.median(ratios)),
        float(np.median(busy_ratios)) if busy_ratios else 0.0,
        float(logs.mean()),
        float(np.sqrt(np.mean(spreads))),
        float(np.std(means)),
    )
