"""Running the simulated Slack: an organization with a past and a future, and the server."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import uvicorn
from starlette.applications import Starlette

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.sandbox.arrivals import SERVED_FAULTS
from gridtrail.sandbox.clock import DAY, weekday
from gridtrail.sandbox.plan import Faults, Plan, Story
from gridtrail.sandbox.slack_server import simulated_slack
from gridtrail.sandbox.slack_state import CALLS_PER_MINUTE, SlackState

FUTURE_DAYS = 90
"""Simulated days after the start until the time ends."""
_PATIENCE_SECONDS = 120


def days_since_workday(present: int) -> int:
    """How many days before the day of second `present` the last working day was (1 to 3)."""
    today = present // DAY
    return next(back for back in (1, 2, 3) if weekday(today - back) < 5)


@dataclass(frozen=True, slots=True)
class Serving:
    """What to simulate: `days` of past up to second `present`; a story's `days_before_end` counts
    back from the present day."""

    present: int
    people: int = 300
    days: int = 28
    seed: int = 7
    speed: float = 1.0
    stories: tuple[Story, ...] = field(default_factory=tuple)
    calls_per_minute: int = CALLS_PER_MINUTE
    faults: bool = False

    def plan(self) -> Plan:
        """The plan with past and future. Raises WrongUse for what cannot be."""
        if self.days < 3:
            raise WrongUse("A simulated Slack needs 3 days of past: ask for more days.")
        for story in self.stories:
            if story.days_before_end >= self.days:
                raise WrongUse("A story has to end within the days of past: ask for more days.")
        today = datetime.fromtimestamp(self.present, UTC).date()
        return Plan(
            seed=self.seed,
            people=self.people,
            days=self.days + FUTURE_DAYS,
            end=today + timedelta(days=FUTURE_DAYS),
            stories=tuple(
                replace(story, days_before_end=story.days_before_end + FUTURE_DAYS)
                for story in self.stories
            ),
            faults=SERVED_FAULTS if self.faults else Faults(),
        )

    def state(self) -> SlackState:
        """The organization with its past drawn; takes seconds for a big one."""
        return SlackState(
            self.plan(),
            self.present,
            speed=self.speed,
            calls_per_minute=self.calls_per_minute,
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises WrongUse when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise WrongUse(
            f"Cannot listen on {host}, port {port} ({error.strerror}): choose another."
        ) from error
    return listening


def serve(state: SlackState, listening: socket.socket, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted, then close the state; `on_ready` is told the address when calls are
    answered."""
    try:
        SlackServer(simulated_slack(state), listening, on_ready).work()
    finally:
        state.close()


@contextmanager
def served_beside(state: SlackState) -> Iterator[str]:
    """The address of a simulated Slack on this machine that answers, in a thread of its own, until
    the block ends; the state stays open. Raises RetryLater when it does not begin to answer."""
    ready: queue.Queue[str] = queue.Queue()
    server = SlackServer(simulated_slack(state), listen("127.0.0.1", 0), ready.put)
    thread = threading.Thread(target=server.work, name="simulated-slack", daemon=True)
    thread.start()
    try:
        try:
            address = ready.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise RetryLater("The simulated Slack does not begin to answer: try again.") from None
        yield address
    finally:
        server.should_exit = True
        thread.join()


class SlackServer(uvicorn.Server):
    """A server that tells its address when it answers; `should_exit` ends it."""

    def __init__(
        self, app: Starlette, listening: socket.socket, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False))
        self._listening = listening
        self._on_ready = on_ready

    def work(self) -> None:
        """Serve until it is ended."""
        self.run(sockets=[self._listening])

    # uvicorn's own name for what happens before the first call
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and tell the address."""
        await super().startup(sockets)
        if self.started:
            host, port = self._listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._on_ready(f"http://{shown}:{port}")
