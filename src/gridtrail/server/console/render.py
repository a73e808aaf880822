"""Templates: escaped everywhere, strict about names, with every odd character made visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar, Protocol

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from gridtrail.enrich.clients import client_of
from gridtrail.server.console import text, times
from gridtrail.server.console.assets import asset
from gridtrail.server.console.menu import MENU
from gridtrail.server.roles import TITLES


class Page(Protocol):
    """What a page shows: a dataclass whose fields are the variables of its template."""

    template: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


def rendered(page: Page, shell: Mapping[str, Any]) -> str:
    """The HTML of `page`; `shell` has what surrounds every page."""
    values = {one.name: getattr(page, one.name) for one in fields(page)}
    return environment().get_template(page.template).render({**shell, **values})


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_source),
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "time": _time,
        "clock": lambda second: times.said(second)[11:],
        "day": times.day_said,
        "lasted": times.lasted,
        "written": times.written,
        "cut": lambda value, most: text.shortened(str(value), most),
        "words": lambda value: text.words(str(value)),
        "rule": text.rule_words,
        "exact": lambda value: Markup(escape("" if value is None else value)),  # noqa: S704
        "client": client_name,
        "role": lambda value: TITLES.get(value, value),
        "number": lambda value: f"{value:,}",
    }
    made.tests |= {"slack_person": lambda value: str(value)[:1] in ("U", "W")}
    made.globals |= {"counted": text.counted, "asset": asset, "menu": MENU}
    return made


def client_name(ua: str) -> str:
    """A user agent in a few words (`Slack Desktop 4.50, macOS`); unknown ones as they are."""
    client = client_of(ua)
    if client.kind == "unknown" or not client.family:
        return ua
    name = f"{client.family} {client.version}".strip()
    return f"{name}, {client.os}" if client.os else name


def _source(name: str) -> str | None:
    # names of templates are ours; a missing one is a mistake of ours and raises TemplateNotFound
    file = files(__package__).joinpath("templates", name)
    return file.read_text("utf-8") if file.is_file() else None


def _shown(value: Any) -> Any:
    """What `{{ … }}` puts out: markup of ours as it is, text with nothing hidden in it."""
    if value is None:
        return ""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return text.visible(value)
    return value


def _time(second: int | None) -> Markup | str:
    if second is None:
        return ""
    mark = Markup('<time datetime="{}Z" title="{} UTC">{}</time>')
    said = times.said(second)
    return mark.format(times.written(second), said, said)
