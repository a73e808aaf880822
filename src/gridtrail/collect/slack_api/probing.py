"""Which of the wanted actions the far side supports.

One unsupported name refuses a whole request (facts reference 1.2), so a refused group is halved
until the names that are at fault stand alone: a few calls instead of one a name.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridtrail.collect.slack_api.reading import chunked


class Probing:
    """Groups still to be asked about. Of no actions it is one call without any, a greeting."""

    def __init__(self, actions: Sequence[str]) -> None:
        self._open = chunked(actions)
        self.supported: list[str] = []
        self.refused: list[str] = []

    @property
    def over(self) -> bool:
        """Whether all is known."""
        return not self._open

    @property
    def group(self) -> tuple[str, ...]:
        """The names to ask about next."""
        return self._open[0]

    def answered(self, *, refused: bool) -> None:
        """Whether the far side refused `group`."""
        group = self._open.pop(0)
        if not refused:
            self.supported += group
        elif len(group) <= 1:
            self.refused += group
        else:
            half = len(group) // 2
            self._open = [group[:half], group[half:], *self._open]
