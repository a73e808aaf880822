"""Content: one file a reason, its cases beside it. Loaded by walking this folder."""

from __future__ import annotations

import importlib
import pkgutil

from gridtrail.detect.contract import Detector


def all_detectors() -> tuple[Detector, ...]:
    """Every `DETECTOR` in this folder, by file name; a file without one is an error at once."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.DETECTOR for module in modules)
