"""Everything behind the simulated Slack's doors: organization, clock, tokens, limits, faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gridtrail.sandbox.audit_api import AuditApi
from gridtrail.sandbox.live_clock import LiveClock
from gridtrail.sandbox.organization import Organization
from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.rate_limit import SlidingMinute
from gridtrail.sandbox.tokens import tokens_of

CALLS_PER_MINUTE = 50


@dataclass(slots=True)
class CallFaults:
    """What goes wrong with the next calls of the audit and the Web API.

    The next `fail` calls are answered with `status`; every call takes `delay` seconds more; the
    next `cut` pages of the log end in the middle.
    """

    fail: int = 0
    status: int = 500
    delay: float = 0.0
    cut: int = 0


class SlackState:
    """The state of one simulated Slack, drawn up to second `present` when it is made.

    `calls_per_minute` is the limit of the audit API over all apps (0: no limits at all, not for the
    Web API either). `monotonic` and `wall` count real seconds. `lock` is held by whoever uses
    `organization`.
    """

    def __init__(
        self,
        plan: Plan,
        present: int,
        *,
        speed: float = 1.0,
        calls_per_minute: int = CALLS_PER_MINUTE,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.plan = plan
        self.lock = threading.Lock()
        self.organization = Organization(plan, present)
        # the clock starts when the past is drawn
        self.clock = LiveClock(present, speed=speed, stop=plan.stop - 1, wall=monotonic)
        self.calls_per_minute = calls_per_minute
        self.limits = SlidingMinute(monotonic)
        self.faults = CallFaults()
        self.named_tokens = tokens_of(self.organization.world)
        self.tokens = {token.secret: token for token in self.named_tokens.values()}
        key = f"{plan.seed}/{self.organization.world.enterprise.id}"
        self.audit = AuditApi(self.organization.ledger, key)
        self._wall = wall

    def close(self) -> None:
        """Let go of the log; the state cannot be used any more."""
        self.organization.ledger.close()

    def wall(self) -> int:
        """Real seconds since the epoch."""
        return int(self._wall())

    def catch_up(self) -> int:
        """Let life go on to the present simulated second, which is returned; needs the lock."""
        now = self.clock.now()
        self.organization.catch_up(now)
        return now
