"""Detectors of users: loaded beside the built-in ones, and loud when they are broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gridtrail.detect import stage
from gridtrail.detect.cases import Act, Life, act_events
from gridtrail.detect.plugins import GROUP, Loaded, load
from gridtrail.detect.run import detect
from gridtrail.detect.state import DETECTOR_STATES
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import DetectSettings, Settings

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "detectors.md"
EXAMPLE = DOCUMENT.read_text().split("```python\n")[1].split("```")[0]
LIFE = Life(people=2, days=3)
RAID = Act("ben", "file_downloaded", times=90, over="30m", client="python")


def loaded(folder: Path, text: str) -> Loaded:
    """What a file with this text gives, beside one built-in detector."""
    (folder / "mine.py").write_text(text)
    return load([DETECTOR], [Path("mine.py")], base=folder, installed=[])


def test_beside_the_built_in_ones(tmp_path: Path) -> None:
    """A file's detector runs beside the others, and is the same as long as the file is."""
    first = loaded(tmp_path, EXAMPLE)
    again = load([DETECTOR], [Path("mine.py")], base=tmp_path, installed=[])
    changed = loaded(tmp_path, EXAMPLE + "\n")

    assert [one.name for one in first.detectors] == ["excessive_downloads", "download_with_tool"]
    assert first.plugins == {"download_with_tool"}
    assert not first.failed
    assert again.detectors[1] is first.detectors[1]
    assert changed.detectors[1] is not first.detectors[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("DETECTOR =", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("detector = 1", "holds no DETECTOR"),
        ("DETECTOR = 1", "lacks name, version"),
        (EXAMPLE.replace('"download_with_tool"', '"excessive_downloads"'), "rename it"),
        (
            EXAMPLE.replace("profiles: tuple[Any, ...] = ()", "profiles: Any = (OTHER,)").replace(
                "@dataclass",
                "from gridtrail.detect.profiles import people\nfrom dataclasses import replace\n"
                "OTHER = replace(people, version=9)\n\n\n@dataclass",
                1,
            ),
            "its own people",
        ),
    ],
    ids=["syntax", "error", "import", "none", "no detector", "name", "profile"],
)
def test_broken_files(tmp_path: Path, text: str, told: str) -> None:
    """A broken file is named with what is wrong; the built-in detectors stay."""
    found = loaded(tmp_path, text)

    assert found.detectors == (DETECTOR,)
    assert told in found.failed["mine.py"]
    assert "mine.py" in found.failed["mine.py"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A path that leads nowhere is a failure too."""
    found = load([DETECTOR], [Path("gone.py")], base=tmp_path, installed=[])

    assert "There is no file" in found.failed["gone.py"]


def test_installed_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points of installed packages are loaded; broken ones are named."""
    (tmp_path / "stage_plugin.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    good = EntryPoint("tool", "stage_plugin:DETECTOR", GROUP)
    bad = EntryPoint("odd", "stage_plugin:NOTHING", GROUP)

    found = load([DETECTOR], [], base=tmp_path, installed=[good, bad])

    assert found.plugins == {"download_with_tool"}
    assert "odd (stage_plugin:NOTHING)" in found.failed["odd"]


@pytest.fixture
def lake(new_lake: Callable[[], Lake]) -> Lake:
    """Three ordinary days, and a raid with a tool."""
    lake = new_lake()
    stage.store(lake, [*LIFE.events(-LIFE.days, 0), *act_events(RAID, LIFE)])
    return lake


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("", ""), None),
        (("return Anomaly(", "1 / 0\n        return Anomaly("), "ZeroDivisionError"),
        (("day_events.automated", "day_events.no_such_column"), "AttributeError"),
    ],
    ids=["works", "explain", "relation"],
)
def test_run(
    lake: Lake, engine: DuckDB, settings: Settings, tmp_path: Path,
    change: tuple[str, str], told: str | None,
) -> None:  # fmt: skip
    """It finds beside the others; when it fails, they go on, and its state says why."""
    (tmp_path / "mine.py").write_text(EXAMPLE.replace(*change, 1))
    with_plugin = settings.model_copy(
        update={"detect": DetectSettings(plugins=[tmp_path / "mine.py"])}
    )
    now = stage.second_of(1)
    report = detect(lake, engine, with_plugin, detectors=[DETECTOR], now=now)

    raised = {json.loads(one.raw)["details"]["gridtrail"]["detector"] for one in report.emitted}
    assert raised == {"excessive_downloads"} | (set() if told else {"download_with_tool"})
    lake.view(DETECTOR_STATES, "_states")
    rows = lake.engine.rows("SELECT detector, state, why FROM _states").to_pylist()
    states = {row["detector"]: row for row in rows}
    assert states["excessive_downloads"]["state"] == "working"
    if told is None:
        assert report.failed == {}
        return
    assert list(report.failed) == ["download_with_tool"]
    assert states["download_with_tool"]["state"] == "failed"
    assert told in states["download_with_tool"]["why"]
