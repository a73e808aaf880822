"""A batch that is refused for its content is divided until the records at fault are alone."""

from __future__ import annotations

from gridtrail.forward.record import Refusal, Sendable
from gridtrail.forward.ways.way import Closed, NotTaken, Way

MOST_REFUSED = 20
"""After so many records that were refused one by one, and none taken, it is not the records."""

REFUSING = "Refused, whatever is sent"
"""How the message of NoneTaken begins."""


class NoneTaken(Closed):
    """Every record was refused; `refusals` are all of them, or the first MOST_REFUSED."""

    def __init__(self, refusals: list[Refusal]) -> None:
        why = refusals[-1].why.rstrip(".")
        super().__init__(f"{REFUSING}: {why}; correct the target's settings, or what is sent.")
        self.refusals = refusals


class Halving:
    """Sends a batch by `way`; of one that is refused, the parts that are not at fault."""

    def __init__(self, way: Way, name: str) -> None:
        self._way = way
        self._name = name
        self._taken = False
        self._refused: list[Refusal] = []

    def send(self, records: list[Sendable]) -> list[Refusal]:
        """The records that are refused for good, when others are taken.

        Raises NoneTaken when all are refused, and what the way raises.
        """
        self._part(records)
        if not self._taken:
            raise NoneTaken(self._refused)
        return self._refused

    def _part(self, records: list[Sendable]) -> None:
        try:
            self._way.send(records, self._name)
            self._taken = True
        except NotTaken as refusal:
            if len(records) == 1:
                self._refused.append(Refusal(records[0].org, records[0].id, str(refusal)))
                if not self._taken and len(self._refused) >= MOST_REFUSED:
                    raise NoneTaken(self._refused) from refusal
                return
            middle = len(records) // 2
            self._part(records[:middle])
            self._part(records[middle:])
