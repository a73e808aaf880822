"""Every setting in force: its value without secrets, and where it came from."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gridtrail.errors import BadSettings
from gridtrail.settings import SETTINGS_FILE, Settings, load_settings

Origin = Literal["default", "gridtrail.toml", "environment", "argument"]

HIDDEN = "set, not shown"
_PREFIX = "GRIDTRAIL_"
_SECRET_NAME = re.compile(
    r"secret|token|password|passwd|credential|api_?key|private", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting; texts are for people. `later` is what its source says now, when that is another
    value than the server was started with."""

    name: str
    value: str
    default: str
    origin: Origin
    help: str
    later: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is as it would be without anybody's doing."""
        return self.value == self.default


@dataclass(frozen=True, slots=True)
class Section:
    """A table of `gridtrail.toml`; the first has no name."""

    name: str
    help: str
    settings: Sequence[InForce]


@dataclass(frozen=True, slots=True)
class Now:
    """What the sources of the settings say now; `problem` when they cannot be read."""

    settings: Settings | None
    problem: str = ""


def settings_now(settings: Settings) -> Now:
    """The settings as a server that starts now would have them."""
    try:
        return Now(load_settings(settings.data))
    except BadSettings as error:
        return Now(None, str(error))


def sections(settings: Settings, now: Settings | None = None) -> list[Section]:
    """All settings, in the order of `docs/settings.md`; `now` as `settings_now` gives it."""
    sources = _Sources(_toml(settings), frozenset(name.upper() for name in os.environ))
    found = list(_sections(settings, now, "", sources))
    return sorted(found, key=lambda one: one.name != "")


@dataclass(frozen=True, slots=True)
class _Sources:
    toml: Mapping[str, Any]
    environment: frozenset[str]

    def of(self, path: str, *, same: bool) -> Origin:
        """Where the setting `path` came from; `same` says that its value is the default."""
        parts = path.split(".")
        names = ["__".join(parts[: n + 1]).upper() for n in range(len(parts))]
        if any(_PREFIX + name in self.environment for name in names):
            return "environment"
        inside: Any = self.toml
        for part in parts:
            inside = inside.get(part) if isinstance(inside, Mapping) else None
        if inside is not None:
            return "gridtrail.toml"
        return "default" if same else "argument"


def _toml(settings: Settings) -> Mapping[str, Any]:
    try:
        return tomllib.loads((settings.data / SETTINGS_FILE).read_text("utf-8"))
    except (OSError, ValueError):  # not there, or being written: `settings_now` says what is wrong
        return {}


def _sections(
    model: BaseModel, now: BaseModel | None, prefix: str, sources: _Sources
) -> Iterator[Section]:
    plain, inner = [], []
    for name, field in type(model).model_fields.items():
        value, later = getattr(model, name), getattr(now, name, None)
        path = f"{prefix}{name}"
        if isinstance(value, BaseModel):
            inner.append((path, value, later))
        else:
            plain.append(_in_force(path, value, later, now is not None, field, sources))
    help_ = " ".join((type(model).__doc__ or "").split())
    if plain:
        yield Section(prefix.rstrip("."), help_ if prefix else "", plain)
    for path, value, later in inner:
        yield from _sections(value, later, f"{path}.", sources)


def _in_force(
    path: str, value: Any, later: Any, read: bool, field: FieldInfo, sources: _Sources
) -> InForce:
    default = field.get_default(call_default_factory=True)
    origin = sources.of(path, same=value == default)
    # arguments of the command are not there to be read again, so nothing can be said of them
    changed = read and later != value and origin != "argument" and path != "data"
    help_ = field.description or _doc(field)
    shown_later = (shown(later, path) or "other entries") if changed else ""
    return InForce(path, shown(value, path), shown(default, path), origin, help_, shown_later)


def _doc(field: FieldInfo) -> str:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return " ".join((kind.__doc__ or "").split())
    return ""


def shown(value: Any, name: str = "") -> str:
    """A value as text without secrets; "" when nothing is set."""
    plain = _plain(value, name)
    if plain in (None, "", [], {}):
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else None
    if isinstance(value, BaseModel):
        given = [key for key in type(value).model_fields if key in value.model_fields_set]
        return {key: _plain(getattr(value, key), key) for key in given}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, name) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if text and _SECRET_NAME.search(name.rpartition(".")[2]):
        return HIDDEN
    return _IN_ADDRESS.sub("…", text)
