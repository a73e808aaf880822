"""What a way is, and how it says that it could not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gridtrail.errors import RetryLater, SkipRecord
from gridtrail.forward.record import Sendable


class Busy(RetryLater):
    """The far side does not take the batch now; the same batch again may work later.

    `after` is the pause that it asks for, in seconds, or None.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Closed(RetryLater):
    """The far side takes nothing from us: the address, the token or its rights are wrong. It is
    tried again all the same, since that can be mended there too, but seldom."""


class NotTaken(SkipRecord):
    """The far side refuses this batch for what is in it: never send it again as it is."""

    def __init__(self, message: str) -> None:
        super().__init__("not_taken", message)


class Way(Protocol):
    """Delivers batches; used by one thread."""

    def send(self, records: Sequence[Sendable], name: str) -> None:
        """Hand over `records` (at least one); when this returns the far side has them all.

        `name` is the same when the same batch is sent again. Raises Busy, Closed or NotTaken;
        the far side may have a part of them then.
        """

    def close(self) -> None:
        """Free what it holds."""
