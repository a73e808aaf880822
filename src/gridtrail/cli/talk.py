"""stderr is talk: sentences, next steps and progress for the person who started the command."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from gridtrail.cli.text import counted, visible

_QUIET_SECONDS = 5.0  # between two plain lines of progress
_LIVE_SECONDS = 0.1
_BAR_CELLS = 24


def say(sentence: str, *, style: str = "") -> None:
    """One line of talk; what strangers wrote in it cannot move or style anything."""
    _console().print(Text(visible(sentence), style=style), soft_wrap=True)


def next_step(command: str, why: str) -> None:
    """The line that ends a command: what to do now."""
    say(f"Next: {command}   # {why}", style="dim")


def complain(sentence: str) -> None:
    """An error as the one sentence it is."""
    say(f"gridtrail: {sentence}", style="red")


def _console() -> Console:
    return Console(stderr=True, markup=False, highlight=False)


@dataclass
class Progress:
    """How far long work is; `step` may be called as often as one likes.

    `show` gets the text of each line that is due, at most one in `every` seconds; `bar` draws the
    share that is done.
    """

    what: str
    noun: str
    show: Callable[[str], None]
    every: float
    bar: bool = False
    _started: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)

    def step(self, done: int, share: float | None = None, *, note: str = "") -> None:
        """`done` things are done, `share` (0 to 1) of all when that is known."""
        now = time.monotonic()
        if now - self._shown < self.every:
            return
        self._shown = now
        parts = [self.what]
        if share is not None:
            parts += [_drawn(share)] if self.bar else []
            parts.append(f"{100 * share:.0f} %")
        parts.append(counted(done, self.noun))
        parts.append(f"{done / max(now - self._started, 1e-6):,.0f}/s")
        self.show("  ".join([*parts, note]).rstrip())


def _drawn(share: float) -> str:
    full = round(_BAR_CELLS * min(max(share, 0.0), 1.0))
    return "━" * full + "╌" * (_BAR_CELLS - full)


@contextmanager
def progress(what: str, noun: str) -> Iterator[Progress]:
    """Progress on one live line on a terminal, else a plain line every five seconds."""
    if not sys.stderr.isatty():
        yield Progress(what, noun, say, _QUIET_SECONDS)
        return
    with _console().status(Text(visible(what))) as status:
        yield Progress(
            what, noun, lambda text: status.update(Text(visible(text))), _LIVE_SECONDS, bar=True
        )
