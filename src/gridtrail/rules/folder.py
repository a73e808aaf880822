"""The rules in force: the built-in pack and the operator's own folders, read anew when they change.

A folder may be a git checkout. Files of cases (`*.cases.yml`) stand beside the rules and are not
rules; `.git` and other hidden folders are passed by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gridtrail.errors import BadSettings
from gridtrail.rules.parse import Document, build, read_documents
from gridtrail.rules.python_rules import python_rules
from gridtrail.rules.rule import Problem, RuleSet
from gridtrail.settings import RulesSettings

PACK = Path(__file__).parent / "pack"
CASES = (".cases.yml", ".cases.yaml")
_RULES = (".yml", ".yaml")
_PYTHON = ".py"

Stamp = tuple[int, int]  # mtime in nanoseconds, size in bytes


@dataclass
class _File:
    stamp: Stamp
    documents: list[Document]
    problems: list[Problem]


@dataclass
class RuleFolders:
    """Folders of rules that are looked at again at each call of `current`.

    Only files whose time or size changed are read again. A file that cannot be read is reported
    and leaves the others as they are.
    """

    folders: Sequence[Path]
    disabled: Sequence[str] = ()
    _files: dict[Path, _File] = field(default_factory=dict)
    _current: RuleSet | None = None

    def current(self) -> RuleSet:
        """The rules as the files are now."""
        found = dict(stamped(self.folders))
        changed = self._current is None or found.keys() != self._files.keys()
        for path, stamp in found.items():
            known = self._files.get(path)
            if known is None or known.stamp != stamp:
                python = path.suffix == _PYTHON  # its YAML tells of it; a change is one of both
                documents, problems = ([], []) if python else read_documents(path)
                self._files[path] = _File(stamp, documents, problems)
                changed = True
        self._files = {path: self._files[path] for path in found}
        if changed or self._current is None:
            self._current = self._build()
        return self._current

    def _build(self) -> RuleSet:
        documents: list[Document] = []
        python: list[Document] = []
        problems: list[Problem] = []
        for path in sorted(self._files):
            here = self._files[path]
            panther = [one for one in here.documents if "AnalysisType" in one.content]
            documents += [one for one in here.documents if one not in panther]
            python += panther
            problems += here.problems
        rules = build(documents)
        more, wrong = python_rules(python)
        kept = tuple(
            replace(rule, fires=rule.fires and not {rule.key, rule.id} & set(self.disabled))
            for rule in (*rules.rules, *more)
        )
        return RuleSet(kept, (*problems, *rules.problems, *wrong))


def rule_folders(settings: RulesSettings) -> RuleFolders:
    """The folders that the settings name, the pack first.

    Raises BadSettings when one is not there.
    """
    for folder in settings.folders:
        if not folder.is_dir():
            raise BadSettings(f"The folder of rules {folder} is not there: correct rules.folders.")
    pack = [PACK] if settings.pack else []
    return RuleFolders([*pack, *settings.folders], settings.disabled)


def stamped(folders: Iterable[Path]) -> Iterator[tuple[Path, Stamp]]:
    """Every rule file of the folders (or a file itself) with its time and size."""
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(_walk(folder, (*_RULES, _PYTHON))):
            if not path.name.endswith(CASES):
                stat = path.stat()
                yield path, (stat.st_mtime_ns, stat.st_size)


def _walk(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inside)
        if path.name.endswith(endings) and not hidden and path.is_file():
            yield path
