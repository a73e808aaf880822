"""What was decided stands: a second look at a time that was decided already takes nothing back.

Days are decided again for three reasons: a day goes on, events arrived after the settle lag, or
facts of addresses changed. The state of later days is then made anew from all events, as if each
had come in time. What was said in between stays said, what was silenced stays silenced, and only
what nobody could know before is added, marked `late`. So an event that comes late is scored
against the state of its own time, whenever that was.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gridtrail.detect import state as st
from gridtrail.detect.emission import Candidate, Verdict
from gridtrail.lake.lake import Lake
from gridtrail.slack.anomaly import anomaly_id

ALREADY_SAID = "said already"
"""Why a late anomaly was silenced: the same thing was said of another event before."""


def stand(
    lake: Lake, org: str, verdicts: Sequence[Verdict], decided_to: Mapping[dt.date, int]
) -> list[Verdict]:
    """The verdicts that are new, late ones marked, and those that say again what was silenced.

    `decided_to` gives the second up to which days were decided before, by the same detectors. A
    verdict on such a time is left out when its anomaly is in the lake. When it was silenced then,
    it is silenced again for the same reason.
    """
    again = [v for v in verdicts if _is_old(v.candidate.at, decided_to)]
    if not again:
        return list(verdicts)
    times = [verdict.candidate.at for verdict in again]
    before = _Before.read(lake, org, min(times), max(times))
    spoken = {_id(org, v.candidate) for v in verdicts if v.silenced is None}
    standing: list[Verdict] = []
    for verdict in verdicts:
        if not _is_old(verdict.candidate.at, decided_to):
            standing.append(verdict)
        elif _id(org, verdict.candidate) not in before.ids:
            standing.append(before.judge(verdict, spoken))
    return standing


def _is_old(at: int, decided_to: Mapping[dt.date, int]) -> bool:
    return at <= decided_to.get(st.day_of(at), -1)


def _id(org: str, candidate: Candidate) -> str:
    return anomaly_id(org, candidate.anomaly.reasons, candidate.subject, candidate.event_id)


@dataclass(frozen=True, slots=True)
class _Before:
    """What earlier runs said and silenced in some span of time."""

    ids: frozenset[str]
    said: Mapping[tuple[str, str], Sequence[tuple[int, str]]]  # detector, subject: when, id
    silenced: Mapping[tuple[int, str, str, str], str]  # at, detector, subject, event: why

    @classmethod
    def read(cls, lake: Lake, org: str, oldest: int, latest: int) -> _Before:
        """From the lake: all of the days from one second to another."""
        first, last = st.day_of(oldest), st.day_of(latest)
        end = st.midnight(last + st.ONE_DAY) - 1
        lake.events_view("_said", org=org, oldest=st.midnight(first), latest=end)
        rows = lake.engine.rows(
            "SELECT id, date_create, details FROM _said "
            "WHERE action = 'anomaly' AND source = 'gridtrail'"
        ).to_pylist()
        said: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for row in rows:
            told = json.loads(row["details"])["gridtrail"]
            key = (told["detector"], told["subject"])
            said.setdefault(key, []).append((row["date_create"], row["id"]))
        lake.view(st.SILENCED, "_silenced", org=org)
        silenced = lake.engine.rows(
            'SELECT "at", detector, subject, event_id, why FROM _silenced WHERE "day" BETWEEN $1 '
            "AND $2",
            [first, last],
        ).to_pylist()
        return cls(
            frozenset(row["id"] for row in rows),
            said,
            {(r["at"], r["detector"], r["subject"], r["event_id"]): r["why"] for r in silenced},
        )

    def judge(self, verdict: Verdict, spoken: set[str]) -> Verdict:
        """A verdict on a decided time whose anomaly is not in the lake."""
        one = verdict.candidate
        why = self.silenced.get((one.at, one.detector, one.subject, one.event_id))
        if why is None and verdict.silenced is None and self._overtaken(one, spoken):
            why = ALREADY_SAID
        if why is not None:
            return Verdict(one, why, 0)
        return verdict if verdict.silenced else replace(verdict, late=True)

    def _overtaken(self, one: Candidate, spoken: set[str]) -> bool:
        """Whether the same was said of an event that no longer decides it, about then."""
        told = self.said.get((one.detector, one.subject), ())
        wait = one.repeat_seconds[0]
        return any(abs(at - one.at) < wait and name not in spoken for at, name in told)
