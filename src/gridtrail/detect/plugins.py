"""Detectors of users: files named in the settings, and installed packages.

A file holds a detector named `DETECTOR`, as the files of `gridtrail.detectors` do; a package
offers one under the entry point group `gridtrail.detectors`. They run beside the built-in ones,
with the same rights: they are programs, so load only what you would run. One that cannot be
loaded, or that fails, is named and has the state `failed`; the others go on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from gridtrail.detect.contract import Detector, Profile, Step, late_steps
from gridtrail.errors import Stop

GROUP = "gridtrail.detectors"

_PARTS = (
    "name", "version", "reasons", "fidelity", "share", "repeat_seconds", "profiles", "needs",
    "learning_days", "steps", "parameter_schema", "candidates", "parameters", "explain",
)  # fmt: skip
"""What `gridtrail.detect.contract.Detector` asks for."""


class PluginFailed(Stop):
    """A detector of a user cannot be loaded; the message names it and says why."""


@dataclass(frozen=True)
class Loaded:
    """Detectors that can run, names of those among them that users brought, and by name or path
    why others cannot."""

    detectors: tuple[Detector, ...]
    plugins: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)


def load(
    builtin: Sequence[Detector],
    paths: Iterable[Path],
    *,
    base: Path,
    installed: Iterable[EntryPoint] | None = None,
) -> Loaded:
    """The built-in detectors and those of users; `paths` are relative to the directory `base`.

    `installed` are entry points; by default those of the installed packages.
    """
    offered = entry_points(group=GROUP) if installed is None else installed
    sources: list[tuple[str, Callable[[], Detector]]] = [
        (str(path), partial(load_file, base / path)) for path in paths
    ]
    ordered = sorted(offered, key=lambda each: (each.name, each.value))
    sources += [(point.name, partial(_of_package, point)) for point in ordered]
    detectors, names, failed = list(builtin), [], {}
    for source, give in sources:
        try:
            detector = give()
            _check_beside(detector, detectors, source)
        except PluginFailed as error:
            failed[source] = str(error)
            continue
        detectors.append(detector)
        names.append(detector.name)
    return Loaded(tuple(detectors), frozenset(names), failed)


def load_file(path: Path) -> Detector:
    """The detector in a Python file, the same object as long as the file does not change.

    Raises PluginFailed saying what is wrong with it.
    """
    if not path.is_file():
        raise PluginFailed(f"There is no file {path}: correct `plugins` in the section [detect].")
    stat = path.stat()
    return _of_file(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _of_file(path: Path, _changed: int, _size: int) -> Detector:
    name = "gridtrail_plugin_" + hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginFailed(f"{path} is no Python file: give one whose name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a stranger's program: whatever it is, name the file
        raise PluginFailed(
            f"The detector in {path} cannot be loaded ({type(error).__name__}: {error}): correct "
            f"it and try `gridtrail detect --check {path}`."
        ) from error
    return _checked(getattr(module, "DETECTOR", None), str(path))


def _of_package(point: EntryPoint) -> Detector:
    try:
        found = point.load()
    except Exception as error:  # a stranger's program: whatever it is, name the package
        raise PluginFailed(
            f"The detector {point.name} ({point.value}) cannot be loaded ({type(error).__name__}: "
            f"{error}): mend or remove the package that brings it."
        ) from error
    return _checked(found, point.name)


def _checked(found: Any, source: str) -> Detector:
    if found is None:
        raise PluginFailed(f"{source} holds no DETECTOR: give the detector this name.")
    # not hasattr, which would run the detector's own code and swallow its errors
    missing = [part for part in _PARTS if inspect.getattr_static(found, part, found) is found]
    if missing:
        raise PluginFailed(
            f"The detector in {source} lacks {', '.join(missing)}: see docs/detectors.md."
        )
    detector: Detector = found
    return detector


def _check_beside(detector: Detector, others: Sequence[Detector], source: str) -> None:
    """Refuse a name that is taken by something else: tables would be mixed up."""
    if detector.name in {other.name for other in others}:
        raise PluginFailed(
            f"The detector in {source} is named {detector.name}, as another one: rename it."
        )
    taken: dict[str, object] = {}
    for other in others:
        taken |= {part.name: part for part in other.profiles}
        taken |= {part.name: part for part in (*other.steps, *late_steps(other))}
    own: list[Profile | Step] = [*detector.profiles, *detector.steps, *late_steps(detector)]
    for mine in own:
        if taken.get(mine.name, mine) is not mine:
            raise PluginFailed(
                f"The detector in {source} makes its own {mine.name}, which another detector has: "
                "import that one, or choose another name."
            )
