"""Writes docs/settings.md and docs/commands.md from the code; a test keeps them current."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gridtrail.cli.main import main as cli
from gridtrail.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
PROGRAM = "gridtrail"


def settings_page() -> str:
    """Every setting with its type, default and help."""
    lines = [
        "# Settings",
        "",
        "Written from the code by `scripts/write_docs.py`. Settings stand in `gridtrail.toml` in",
        "the data directory, or in the environment as `GRIDTRAIL_` and the name in capitals, two",
        "underscores between its parts (`GRIDTRAIL_DETECT__SETTLE_SECONDS=60`). Arguments of a",
        "command are stronger than the environment, the environment is stronger than the file.",
        "",
        *_table(Settings, ""),
    ]
    return "\n".join(lines) + "\n"


def _table(model: type[BaseModel], prefix: str) -> list[str]:
    plain = {n: f for n, f in model.model_fields.items() if _nested(f) is None}
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    rows += [f"| `{prefix}{n}` | {_default(f)} | {f.description} |" for n, f in plain.items()]
    for name, field in model.model_fields.items():
        inner = _nested(field)
        if inner is not None:
            mark = "" if field.annotation is inner else "[]"
            doc = " ".join((inner.__doc__ or "").split())
            rows += ["", f"## [{prefix}{name}{mark}]", "", doc, ""]
            rows += _table(inner, f"{prefix}{name}{mark}.")
    return rows


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if field.is_required():
        return "(needed)"
    return "`" + (str(value) if value not in (None, "", [], ()) else "(none)") + "`"


def commands_page() -> str:
    """The help of every command, asked for in one process: a terminal of 96 columns, no colors."""
    environment = {**os.environ, "COLUMNS": "96", "TERM": "dumb", "NO_COLOR": "1"}
    environment = {k: v for k, v in environment.items() if not k.startswith("GRIDTRAIL_")}
    result = subprocess.run(  # noqa: S603 - this program
        [sys.executable, __file__, "commands"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return result.stdout


def _commands_page() -> str:
    lines = ["# Commands", "", "Written from the code by `scripts/write_docs.py`.", ""]
    for words, text in _commands([]):
        shown = " ".join([PROGRAM, *words])
        lines += [f"## {shown}", "", "```", text, "```", ""]
    return "\n".join(lines)


def _help(words: list[str]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = cli([*words, "--help"])
    if code:
        raise SystemExit(code)
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())


def _commands(words: list[str]) -> Iterator[tuple[list[str], str]]:
    """A command and all below it, each with its help."""
    text = _help(words)
    yield words, text
    for line in text.partition("\nCommands:\n")[2].splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            yield from _commands([*words, line.split()[0]])


def main() -> None:
    """Write both pages."""
    (DOCS / "settings.md").write_text(settings_page())
    (DOCS / "commands.md").write_text(commands_page())


if __name__ == "__main__":
    if sys.argv[1:] == ["commands"]:
        sys.stdout.write(_commands_page())
    else:
        main()
