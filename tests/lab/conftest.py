"""A small trial, run once for all tests of this room, and a handmade outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lab.evaluate import chosen
from gridtrail.lab.outcome import Found, Outcome, Rate, Said, ToldStory
from gridtrail.lab.trial import run_trial
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.plan import Plan, Story
from gridtrail.settings import Settings

START = 1_790_000_000 // 86_400 * 86_400
DAY = 86_400
ONLY = ("tor", "unexpected_scraping")
PLAN = Plan(
    seed=5,
    people=30,
    days=17,
    end=date(2026, 11, 20),
    stories=(Story("matt"), Story("tor", days_before_end=1), Story("harmless_burst"),
             Story("mimic")),
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """What a small trial left behind."""

    folder: Path
    outcome: Outcome
    truth: list[dict[str, Any]]

    @property
    def settings(self) -> Settings:
        """Settings of its data directory; addresses are looked up in what it keeps."""
        return Settings(data=self.folder / "data", org="E0LAB", threads=1)


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """30 people, 17 days, four stories, two detectors."""
    folder = tmp_path_factory.mktemp("trial")
    outcome = run_trial(PLAN, folder, detectors=chosen(ONLY))
    truth = orjson.loads((folder / "sandbox" / "truth.json").read_bytes())["stories"]
    return Trial(folder, outcome, truth)


@pytest.fixture
def lake(trial: Trial) -> Any:
    """The lake of the small trial."""
    engine = DuckDB(threads=1)
    yield Lake(trial.settings.data / "lake", engine)
    engine.close()


def _story(kind: str, first: int, last: int, **more: Any) -> ToldStory:
    fixed: dict[str, Any] = {
        "loudness": "loud", "harmless": False, "expected_missed": False, "expected_reasons": [],
        "actors": ["W0ANN"], "start": START + first * DAY, "end": START + last * DAY, "events": 9,
    }  # fmt: skip
    return ToldStory(kind, **{**fixed, **more})


def _said(name: str, day: int, reasons: list[str], story: int | None, kind: str = "") -> Said:
    detector = reasons[0]
    return Said(name, START + day * DAY, detector, "W0ANN", reasons, "words", kind or None, story)


def _found(severity: str, anomalies: list[str], day: int, stories: list[int]) -> Found:
    at = START + day * DAY
    return Found(
        f"F{''.join(anomalies)}", severity, 9.0, "A | title", ["W0ANN"], [], at, at, anomalies,
        stories,
    )  # fmt: skip


@pytest.fixture
def made() -> Callable[..., Outcome]:
    """Makes an organization of 100 people and 44 days (3,000 user-days after the warm-up).

    Of its stories Matt is found first and critical, Tor is raised but low and third, malware is
    not raised, the mimic is missed, a roll-out is held against `pushed` anomalies, and a burst
    makes a medium finding, which stands second. Ordinary life has an address anomaly of a mobile
    carrier, one at home, and one in the warm-up.
    """

    def make(seed: int = 1, pushed: int = 0) -> Outcome:
        stories = [
            _story("matt", 30, 30, expected_reasons=["user_agent", "excessive_downloads"]),
            _story("tor", 31, 31, loudness="stealthy", expected_reasons=["tor"]),
            _story("malware", 32, 32, expected_reasons=["excessive_malware_uploads"]),
            _story("mimic", 33, 33, expected_missed=True),
            _story("harmless_burst", 31, 31, harmless=True),
            _story("client_rollout", 40, 40, harmless=True),
        ]
        anomalies = [
            _said("a", 30, ["user_agent", "unexpected_user_agent"], 0),
            _said("b", 31, ["tor"], 1),
            _said("c", 31, ["excessive_downloads"], 4),
            _said("d", 20, ["ip_address"], None, "mobile"),
            _said("e", 21, ["ip_address"], None, "access"),
            _said("f", 3, ["ip_address"], None, "mobile"),
            _said("g", 32, ["ip_address"], 2),
            *(_said(f"p{number}", 40, ["user_agent"], 5) for number in range(pushed)),
        ]
        findings = [
            _found("critical", ["a"], 30, [0]),
            _found("medium", ["c"], 31, [4]),
            _found("low", ["b"], 31, [1]),
            _found("low", ["d"], 20, []),
        ]
        rates = [
            Rate("ip_address", "member", 4.0, 8, 1000),
            Rate("ip_address", "app", 1.0, 0, 100),
            Rate("user_agent", "member", 2.0, 0, 1000),
            Rate("user_agent", "app", 1.0, 0, 100),
        ]
        return Outcome(
            seed, "office", 100, 44, START, 5000, 1.5, stories, anomalies, findings, rates
        )

    return make
