"""Sending on beside the server: what one thread does for its target, and numbers of all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog
from prometheus_client import CollectorRegistry, Gauge

from gridtrail.forward.delivery import Ended, Fare
from gridtrail.forward.run import follow
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.settings_forward import ForwardSettings

log = structlog.get_logger("gridtrail.forward")


class Forwarding:
    """The targets of one process; `fares` says how each fares, by name."""

    def __init__(self, settings: Settings, ending: threading.Event) -> None:
        self._settings = settings
        self._ending = ending
        self.fares: dict[str, Fare] = {}

    def run(
        self,
        lake: Lake,
        _engine: object,
        *,
        target: ForwardSettings,
        worked: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        """Send to one target until the process shall end; failing is logged, and told to `failed`.

        Raises what is not the far side's fault, such as BadSettings, or WrongUse when another
        process sends to this target.
        """
        fare = self.fares.setdefault(target.name, Fare())

        def tell(text: str) -> None:
            log.error(text, target=target.name)
            if fare.failing:
                failed(text)

        try:
            follow(
                lake,
                self._settings,
                target,
                wait=self._ending.wait,
                fare=fare,
                worked=worked,
                tell=tell,
            )
        except Ended:
            return


class ForwardGauges:
    """How far behind each target is, for Prometheus; its label is a name of the settings."""

    def __init__(self, registry: CollectorRegistry) -> None:
        kinds = {
            "behind_records": "Records that the target has not got (at most).",
            "behind_seconds": "How long the oldest of them waits.",
            "failing": "1 when the target takes nothing.",
            "sent": "Records delivered since the start.",
            "refused": "Records left out since the start: unconvertible, or refused for good.",
        }
        self._gauges = {
            name: Gauge(f"gridtrail_forward_{name}", text, ["target"], registry=registry)
            for name, text in kinds.items()
        }

    def set(self, fares: Mapping[str, Fare]) -> None:
        """The numbers as they are now."""
        for target, fare in list(fares.items()):
            values = {
                "behind_records": fare.rows_behind,
                "behind_seconds": fare.seconds_behind(),
                "failing": fare.failing,
                "sent": fare.sent,
                "refused": fare.refused,
            }
            for name, value in values.items():
                self._gauges[name].labels(target).set(value)
