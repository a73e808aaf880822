"""The house itself: layout, contracts and documents that must not rot."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "gridtrail"
MODULES = sorted(p for p in SOURCES.rglob("*.py") if p.name != "__init__.py")
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()


def test_rooms_import_downwards_only() -> None:
    """The import contract of pyproject.toml holds."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_room_is_in_the_contract_and_in_the_picture() -> None:
    """Rooms on disk, in the import contract and in docs/design.md are the same."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    contract = {room.strip() for layer in layers for room in layer.split("|")}
    rooms = {p.name for p in SOURCES.iterdir() if p.is_dir() and p.name != "__pycache__"}
    single = {p.stem for p in SOURCES.glob("*.py")} - {"__init__"}
    assert contract == rooms | single
    picture = (ROOT / "docs" / "design.md").read_text()
    missing = [room for room in sorted(rooms) if f"  {room}/" not in picture]
    assert missing == []


def test_no_room_is_empty() -> None:
    """Every room holds at least one module of its own."""
    rooms = [p for p in SOURCES.iterdir() if p.is_dir() and p.name != "__pycache__"]
    empty = [r.name for r in rooms if not [m for m in MODULES if r in m.parents]]
    assert empty == []


def test_only_the_engine_room_imports_an_engine() -> None:
    """duckdb and pyspark are imported by engine/ alone."""
    importing = [
        str(p.relative_to(SOURCES))
        for p in MODULES
        if re.search(r"^\s*(import|from) (duckdb|pyspark)\b", p.read_text(), re.MULTILINE)
    ]
    assert all(path.startswith("engine/") for path in importing), importing


def _functions() -> list[tuple[int, str]]:
    sizes = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                sizes.append((size, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return sizes


def test_functions_stay_short() -> None:
    """No function is longer than 60 lines, docstring included."""
    assert [name for size, name in _functions() if size > 60] == []


def test_files_stay_one_idea() -> None:
    """No source file is longer than 500 lines."""
    long = [str(p.relative_to(ROOT)) for p in MODULES if p.read_text().count("\n") > 500]
    assert long == []


def test_tests_mirror_sources() -> None:
    """Every test module stands where its source module stands, and every room has tests."""
    tests = ROOT / "tests"
    free = {"test_house.py", "test_docs.py", "test_laws.py", "test_end_to_end.py"}
    whole = tests / "server" / "browser"  # drives all pages of the server at once
    astray = []
    for path in sorted(tests.rglob("test_*.py")):
        relative = path.relative_to(tests)
        source = SOURCES / relative.parent / (relative.name.removeprefix("test_"))
        room = SOURCES / relative.parent
        if (
            path.parent != whole
            and relative.name not in free
            and not source.exists()
            and not room.is_dir()
        ):
            astray.append(str(relative))
    assert astray == []
    rooms = [p.name for p in SOURCES.iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert [r for r in rooms if not list((tests / r).rglob("test_*.py"))] == []


def test_every_test_says_what_is_true() -> None:
    """Each test function opens with a sentence."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                doc = ast.get_docstring(node)
                if node.name.startswith("test_") and not (doc and doc.strip()):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


@pytest.mark.parametrize("name", ["base", "test", "bench"])
def test_requirements_are_pinned_by_hash_and_name_no_registry(name: str) -> None:
    """Every requirement has a version and a hash, and no line names a host."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[^]]*\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert "--index-url" not in text


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    """No tracked text file holds a path of somebody's machine or a package registry's host."""
    bad = re.compile(r"/(?:home|Users)/[a-z]+/|://[a-z.]*(?:pypi|pythonhosted|npmjs)[a-z]*\.")
    found = []
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".yaml", ".sh", ""}:
            text = path.read_text(errors="ignore") if path.is_file() else ""
            found += [f"{name}: {m.group()}" for m in bad.finditer(text)]
    assert [line for line in found if not line.startswith("tests/test_house.py")] == []


def test_the_readme_shows_the_two_commands() -> None:
    """A newcomer finds both commands on the README's first screen."""
    first_screen = (ROOT / "README.md").read_text().splitlines()[:60]
    assert any("make demo" in line for line in first_screen)
    assert any("make test" in line for line in first_screen)


def test_continuous_integration_calls_make_test() -> None:
    """.ci/run runs what a newcomer runs."""
    assert "make test" in (ROOT / ".ci" / "run").read_text()
