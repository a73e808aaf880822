"""All targets of the settings: sent to once, or followed in a thread each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gridtrail.errors import GridtrailError, WrongUse
from gridtrail.forward.delivery import Delivery, Fare, Wait
from gridtrail.forward.events import EventSource
from gridtrail.forward.findings import FindingSource
from gridtrail.forward.source import Lag, Source
from gridtrail.forward.store import ForwardStore, Kept
from gridtrail.forward.ways.open import open_way
from gridtrail.lake.lake import Lake
from gridtrail.lake.only_one import only_one
from gridtrail.settings import Settings
from gridtrail.settings_forward import ForwardSettings

ATTEMPTS = 3
"""How often a single run tries a batch."""

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What a single run did for a target; `error` when it did not get everything."""

    name: str
    records: int
    refused: int
    error: GridtrailError | None


@dataclass(frozen=True, slots=True)
class Status:
    """How far a target is; `kept` is None before its first run."""

    target: ForwardSettings
    kept: Kept | None
    lag: Lag

    @property
    def state(self) -> str:
        """`not begun`, `failing` or `working`."""
        if self.kept is None:
            return "not begun"
        return "failing" if self.kept.failing_since else "working"


def targets(settings: Settings, names: list[str] | None = None) -> list[ForwardSettings]:
    """The targets of the settings, or those of `names`. Raises WrongUse for an unknown name."""
    if not names:
        return settings.forward
    known = {one.name: one for one in settings.forward}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise WrongUse(
            f"There is no target {unknown[0]!r}: name one of {', '.join(known) or 'the settings'}."
        )
    return [known[name] for name in dict.fromkeys(names)]


def forward_once(
    lake: Lake,
    settings: Settings,
    chosen: list[ForwardSettings],
    *,
    wait: Wait,
    tell: Callable[[str], None] = lambda _text: None,
) -> Iterator[Sent]:
    """Send each of the `chosen` what it has not got yet; a failing one holds up no other."""
    for target in chosen:
        fare, error = Fare(), None
        try:
            with _delivery(lake, settings, target, wait, fare, ATTEMPTS, tell) as delivery:
                delivery.catch_up()
        except GridtrailError as failed:
            error = failed
        yield Sent(target.name, fare.sent, fare.refused, error)


def follow(
    lake: Lake,
    settings: Settings,
    target: ForwardSettings,
    *,
    wait: Wait,
    fare: Fare,
    worked: Callable[[], None],
    tell: Callable[[str], None],
) -> None:
    """Send to one target until `wait` says that it shall end, which raises Ended.

    `worked` is called whenever nothing is left to send.
    """
    with _delivery(lake, settings, target, wait, fare, 0, tell) as delivery:
        while True:
            delivery.catch_up(partial=False)
            worked()
            if wait(_LOOK_SECONDS):
                return


def statuses(lake: Lake, settings: Settings, chosen: list[ForwardSettings]) -> list[Status]:
    """How far each target is, from the state database and the lake's log."""
    with ForwardStore(settings.state) as store:
        found: list[Status] = []
        for target in chosen:
            kept = store.get(target.name)
            source = source_of(lake, store, target)
            lag = Lag(0, None) if kept is None else source.lag(kept.position)
            found.append(Status(target, kept, lag))
        return found


@contextmanager
def _delivery(
    lake: Lake,
    settings: Settings,
    target: ForwardSettings,
    wait: Wait,
    fare: Fare,
    attempts: int,
    tell: Callable[[str], None],
) -> Iterator[Delivery]:
    busy = f"Another process sends to {target.name}: wait for it, or stop it."
    with only_one(lake.home, f"forward-{target.name}", busy), ForwardStore(settings.state) as store:
        way = open_way(target, settings.data)
        try:
            yield Delivery(
                target,
                source_of(lake, store, target),
                way,
                store,
                wait=wait,
                fare=fare,
                attempts=attempts,
                tell=tell,
            )
        finally:
            way.close()


def source_of(lake: Lake, store: ForwardStore, target: ForwardSettings) -> Source:
    """What the target wants, from the lake or the state database."""
    if target.what == "findings":
        return FindingSource(store.engine, target)
    return EventSource(lake, target)
