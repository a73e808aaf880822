"""Where events seem to be missing: silence at times that are never silent.

The rule, for one organization. An hour without any event is *silent*. Its kin are the same hour of
the day on the 14 days before and after it, weekdays with weekdays and weekends with weekends, days
without any event left out. A silent hour is missing when it has at least 4 kin and three quarters
of them hold 10 events or more: were such an hour Poisson with mean 10, silence would come once in
22,000 hours. Consecutive missing hours are one gap. For organizations too small for that, a day
without any event is missing when at least 4 days of its kind within 28 days hold events and three
quarters of those hold 20 or more. Times before the first and after the last event are not judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

_HOUR = 3_600
_HOUR_REACH_DAYS = 14
_HOUR_PLENTY = 10
_DAY_REACH_DAYS = 28
_DAY_PLENTY = 20
_KIN_NEEDED = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Seconds `first` to `last` (inclusive, UTC) without event, where `usual` events are usual."""

    first: int
    last: int
    usual: int


def find_gaps(hours: Mapping[int, int]) -> list[Gap]:
    """Gaps in one organization's events, oldest first.

    `hours` maps the number of an hour (seconds since the epoch // 3600) to its events.
    """
    present = {hour: count for hour, count in hours.items() if count}
    if not present:
        return []
    days: defaultdict[int, int] = defaultdict(int)
    for hour, count in present.items():
        days[hour // 24] += count
    missing = {
        hour: usual
        for hour in range(min(present), max(present))
        if hour not in present and (usual := _usual_hour(hour, present, days)) >= _HOUR_PLENTY
    }
    for day in range(min(days), max(days)):
        hours_of_day = range(day * 24, day * 24 + 24)
        if day in days or any(hour in missing for hour in hours_of_day):
            continue
        usual = _usual_day(day, days)
        if usual >= _DAY_PLENTY:  # the day's events are counted at its first hour
            missing |= dict.fromkeys(hours_of_day, 0) | {day * 24: usual}
    return _joined(missing)


def _usual_hour(hour: int, present: Mapping[int, int], days: Mapping[int, int]) -> int:
    reach = range(-_HOUR_REACH_DAYS, _HOUR_REACH_DAYS + 1)
    kin = [hour + 24 * step for step in reach if step]
    return _lower_quartile(
        [
            present.get(other, 0)
            for other in kin
            if other // 24 in days and _weekend(other // 24) == _weekend(hour // 24)
        ]
    )


def _usual_day(day: int, days: Mapping[int, int]) -> int:
    reach = range(day - _DAY_REACH_DAYS, day + _DAY_REACH_DAYS + 1)
    return _lower_quartile([days[d] for d in reach if d in days and _weekend(d) == _weekend(day)])


def _weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5  # day 0 of the epoch was a Thursday; Monday is 0 here


def _lower_quartile(counts: list[int]) -> int:
    """The count that three quarters of `counts` reach; 0 when there are too few to say."""
    return sorted(counts)[len(counts) // 4] if len(counts) >= _KIN_NEEDED else 0


def _joined(missing: Mapping[int, int]) -> list[Gap]:
    gaps: list[Gap] = []
    for hour, usual in sorted(missing.items()):
        first, last = hour * _HOUR, hour * _HOUR + _HOUR - 1
        if gaps and gaps[-1].last + 1 == first:
            gaps[-1] = Gap(gaps[-1].first, last, gaps[-1].usual + usual)
        else:
            gaps.append(Gap(first, last, usual))
    return gaps
