"""The way that the settings of a target name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridtrail.forward.ways.files import FilesWay
from gridtrail.forward.ways.http import HttpWay
from gridtrail.forward.ways.objects import ObjectsWay
from gridtrail.forward.ways.syslog import SyslogWay
from gridtrail.forward.ways.way import Way
from gridtrail.settings_forward import ForwardSettings

_WAYS: dict[str, Callable[[ForwardSettings, Path], Way]] = {
    "hec": HttpWay,
    "webhook": HttpWay,
    "syslog": SyslogWay,
    "files": FilesWay,
    "objects": ObjectsWay,
}


def open_way(settings: ForwardSettings, home: Path) -> Way:
    """The way to the target; paths are relative to `home`, the data directory.

    Raises BadSettings when something that it needs is missing or wrong.
    """
    return _WAYS[settings.to](settings, home)
