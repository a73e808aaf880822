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


def say(sentence: str, *, style: str = "") -> None:
    """One line of talk; what strangers wrote in it cannot move or style anything."""
    console = Console(stderr=True, markup=False, highlight=False)
    console.print(Text(visible(sentence), style=style), soft_wrap=True)


def next_step(command: str, why: str) -> None:
    """The line that ends a command: what to do now."""
    say(f"Next: {command}   {why}", style="dim")


def complain(sentence: str) -> None:
    """An error as the one sentence it is."""
    say(f"gridtrail: {sentence}", style="red")


@dataclass
class Progress:
    """How far long work is; `step` may be called as often as one likes.

    `show` gets the text of each line that is due.
    """

    what: str
    noun: str
    show: Callable[[str], None]
    every: float
    done: int = 0
    _started: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)

    def step(self, done: int, total: int | None = None, *, note: str = "") -> None:
        """`done` of `total` (None when not known) things are done."""
        self.done = done
        now = time.monotonic()
        if now - self._shown < self.every:
            return
        self._shown = now
        rate = done / max(now - self._started, 1e-6)
        share = f" ({100 * done // total} %)" if total else ""
        text = f"{self.what}: {counted(done, self.noun)}{share}, {rate:,.0f}/s"
        self.show(f"{text} {note}".rstrip())


@contextmanager
def progress(what: str, noun: str) -> Iterator[Progress]:
    """Progress on one live line on a terminal, else a plain line every five seconds."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not sys.stderr.isatty():
        yield Progress(what, noun, say, _QUIET_SECONDS)
        return
    with console.status(Text(visible(what))) as status:
        yield Progress(what, noun, lambda text: status.update(Text(visible(text))), 0.1)
