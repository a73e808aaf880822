"""Templates use what their page has and nothing else."""

from __future__ import annotations

import importlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta, nodes

import gridtrail.server.console.render as room
from gridtrail.server.console.render import client_name, environment

HOME = Path(room.__file__).parent
SHELL = {"account", "csrf", "theme", "org", "link", "may", "permitted"}


def _pages() -> list[type[Any]]:
    found: dict[str, type[Any]] = {}
    for path in sorted(HOME.glob("*.py")):
        module = importlib.import_module(f"gridtrail.server.console.{path.stem}")
        for one in vars(module).values():
            if isinstance(one, type) and is_dataclass(one) and hasattr(one, "template"):
                found[one.__name__] = one
    return list(found.values())


def _wanted(name: str, seen: set[str]) -> set[str]:
    """The variables of a template and of those that it extends or includes."""
    seen.add(name)
    source = (HOME / "templates" / name).read_text()
    tree = environment().parse(source)
    wanted = meta.find_undeclared_variables(tree) - set(environment().globals) - _set_in(tree)
    for other in meta.find_referenced_templates(tree):
        if other is not None and other not in seen:
            wanted |= _wanted(other, seen) if f'import "{other}"' not in source else set()
    return wanted


def _set_in(tree: nodes.Template) -> set[str]:
    """What the template itself imports, defines or sets, for its blocks too."""
    found = {one.target for one in tree.find_all(nodes.Import)}
    found |= {one.name for one in tree.find_all(nodes.Macro)}
    targets = [one.target for one in tree.find_all(nodes.Assign)]
    targets += [one.target for one in tree.find_all(nodes.AssignBlock)]
    found |= {target.name for target in targets if isinstance(target, nodes.Name)}
    return found


@pytest.mark.parametrize("page", _pages(), ids=lambda one: one.__name__)
def test_a_template_names_fields_of_its_page(page: type[Any]) -> None:
    """Every variable is a field of the page or part of the shell."""
    wanted = _wanted(page.template, set())
    assert wanted - {one.name for one in fields(page)} - SHELL == set()


def test_every_template_belongs_to_a_page_or_is_part_of_one() -> None:
    """No file is left over."""
    seen: set[str] = set()
    for page in _pages():
        _walk(page.template, seen)
    assert {path.name for path in (HOME / "templates").iterdir()} == seen


def _walk(name: str, seen: set[str]) -> None:
    seen.add(name)
    tree = environment().parse((HOME / "templates" / name).read_text())
    for other in meta.find_referenced_templates(tree):
        if other is not None and other not in seen:
            _walk(other, seen)


def test_output_is_escaped_and_visible() -> None:
    """What a template puts out has no markup and no hidden character of a stranger."""
    made = environment().from_string(
        "{{ one }}|{{ one|exact }}|{{ 1700000000|time }}|{{ nothing }}"
    )
    shown = made.render(one="<b>\u202e", nothing=None)
    assert shown.startswith("&lt;b&gt;⟨U+202E⟩|&lt;b&gt;\u202e|<time datetime=")
    assert shown.endswith("|")


def test_clients_are_called_by_what_they_are() -> None:
    """A known client in a few words, an unknown one as it calls itself."""
    agent = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/146.0.0.0 Safari/537.36"
    )
    assert client_name(agent) == "Chrome 146.0.0, Windows"
    assert client_name("Scrapers Inc") == "Scrapers Inc"
