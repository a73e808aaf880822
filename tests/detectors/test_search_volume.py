"""search_volume: off unless it is switched on."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.detect import stage
from gridtrail.detect.cases import Act, Life, act_events
from gridtrail.detect.run import detect
from gridtrail.detectors.search_volume import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import DetectSettings

SEARCH = "mcp_slack_search_public_tool_called"


@pytest.mark.parametrize(("off", "said"), [(["search_volume"], 0), ([], 1)])
def test_off(tmp_path: Path, off: list[str], said: int) -> None:
    """What a detector finds that is off is listed as silenced, and said when it is on; it is off
    by default."""
    assert DetectSettings().off == ["search_volume"]
    engine = DuckDB(threads=1)
    lake = Lake(tmp_path / "lake", engine)
    life = Life(people=5)
    usual = Act(who="everybody", does=SEARCH, times=3, over="1h", days=[-4, 0])
    many = Act(who="ben", does=SEARCH, times=400, over="8m", at="14:00")
    stage.store(lake, [event for act in (usual, many) for event in act_events(act, life)])
    settings = stage.stage_settings(tmp_path / "stage", DetectSettings(off=off))
    report = detect(
        lake, engine, settings, detectors=[DETECTOR], org=stage.ORG, now=stage.second_of(2)
    ).organizations[0]
    engine.close()

    assert len(report.emitted) == said
    assert ("off" in report.silenced) == (said == 0)
    assert [state.state for state in report.states] == ["working"]
