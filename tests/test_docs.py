"""Documents that are written from the code are current."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from gridtrail.detectors import all_detectors
from gridtrail.slack.reasons import REASONS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """scripts/write_docs.py as a module."""
    spec = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_settings_are_documented(writer: ModuleType) -> None:
    """docs/settings.md is what `scripts/write_docs.py` writes."""
    assert (ROOT / "docs" / "settings.md").read_text() == writer.settings_page()


def test_commands_are_documented(writer: ModuleType) -> None:
    """docs/commands.md is what `scripts/write_docs.py` writes."""
    assert (ROOT / "docs" / "commands.md").read_text() == writer.commands_page()


def test_the_readme_names_every_detector() -> None:
    """Each reason that a detector of ours gives stands in the README's table."""
    readme = (ROOT / "README.md").read_text()
    given = {reason for detector in all_detectors() for reason in detector.reasons}
    assert given <= set(REASONS)
    assert [reason for reason in sorted(given) if f"`{reason}`" not in readme] == []


def test_commands_in_the_readme_exist() -> None:
    """Every `gridtrail …` command that the README shows is one of the program's."""
    known = set(re.findall(r"^## gridtrail (.+)$", (ROOT / "docs/commands.md").read_text(), re.M))
    shown = re.findall(r"gridtrail ([a-z]+(?: [a-z]+)?)", (ROOT / "README.md").read_text())
    first_words = {name.split()[0] for name in known}
    commands = [words for words in shown if words.split()[0] not in {"is", "system"}]
    assert commands
    assert [words for words in commands if words.split()[0] not in first_words] == []


def test_links_in_documents_lead_somewhere() -> None:
    """Relative links in Markdown files name files that are there."""
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
