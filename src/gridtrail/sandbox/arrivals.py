"""When an event is in the log: at once, or, with faults, seconds to a quarter of an hour later."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gridtrail.sandbox.chance import mix
from gridtrail.sandbox.plan import Faults

USUAL_DELAY = 4.0
"""Mean seconds that an event needs when faults are on and it is not one of the late ones."""
CATCH_UP = 12
"""After an outage the log is brought up to date this many times faster than it was missed."""

SERVED_FAULTS = Faults(late=0.02, duplicate=0.002, no_session=0.01, no_address=0.01)
"""What `gridtrail sandbox serve --faults` switches on."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Events from second `begin` to before `end` are in the log only after `end`."""

    begin: int
    end: int
    tag: int

    def covers(self, second: int) -> bool:
        """Whether an event of that second is held back."""
        return self.begin <= second < self.end

    def arrival(self, second: int) -> int:
        """When an event of that second is in the log."""
        return self.end + (second - self.begin) // CATCH_UP


def arrivals(seed: int, faults: Faults, event_id: str, second: int) -> list[int]:
    """The seconds at which the event is in the log: one, or two when it stands there twice."""
    if faults == Faults():
        return [second]
    draw = mix(seed, int(event_id[:8], 16), int(event_id[9:13], 16))
    share = (draw & 0xFFFFF) / 0x100000
    if share < faults.late:
        first = second + 60 + (draw >> 20) % 841
    elif faults.late:
        first = second + int(-USUAL_DELAY * math.log1p(-((draw >> 20) % 9_999) / 10_000))
    else:
        first = second
    if (draw >> 40 & 0xFFFFF) / 0x100000 < faults.duplicate:
        return [first, first + (draw >> 30) % 120]
    return [first]
