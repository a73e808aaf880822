"""Cases beside a detector: given this history and these events, it finds that.

`<detector>.cases.toml` holds small data, and the builder fills in the rest:

    [life]                 # ordinary days of an office, for all cases of the file
    people = 12
    days = 21

    [[case]]
    name = "sixty files in eight minutes"
    given = [{ who = "ben", does = "file_downloaded", times = 60, over = "8m" }]
    finds = [{ who = "ben", reasons = ["excessive_downloads"] }]

    [[case]]
    name = "one file sixty times"
    given = [{ who = "ben", does = "file_downloaded", times = 60, things = 1, over = "8m" }]
    finds = []             # a near miss

The keys are the fields of `Life`, `Act` and `Find`; places and clients are words of `stage`.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from gridtrail.detect import stage
from gridtrail.detect.anomalies import Emitted
from gridtrail.detect.contract import DAY_SECONDS, Detector
from gridtrail.detect.run import OrganizationReport, detect
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake

PEOPLE = (
    "ann", "ben", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lou", "mia",
    "ned", "ola", "pat", "quin", "rex", "sue", "tom", "una", "vic", "wes", "xia", "yan", "zoe",
)  # fmt: skip
SETTLED_DAYS = 7
"""Nothing may be found in ordinary life on so many days before day 0."""

_SPAN = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS}
_BUSY = (1.0, 0.3, 2.0, 0.6, 1.0, 1.5, 0.5, 1.0, 0.3, 3.0, 0.6)
"""How many times the usual number of files somebody takes on a day; eleven, so that it drifts
against the week."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that people do, once or on several days.

    `who` is a person, a list of persons, "everybody", or "5 others" (the last five of PEOPLE).
    `times` events are spread evenly `over` a span ("8m", "2h") from `at` on, on `things` different
    things (default: as many as events). `days` gives first and last day of a daily habit and
    `every` its rhythm; `day` a single day; day 0 is judged. `session` is the word of the device
    whose session is used, "" for none. `on` is the person to whom it is done.
    """

    who: str | list[str]
    does: str
    times: int = 1
    things: int | None = None
    over: str = "0s"
    at: str = "10:00"
    day: int = 0
    days: list[int] | None = None
    every: int = 1
    place: str = "office"
    client: str = "desktop"
    session: str | None = None
    app: str | None = None
    bot: bool = False
    details: dict[str, Any] | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """Ordinary days: everybody signs in, works on a computer at the office and every third day at
    home, takes about `downloads` files, and looks at Slack on the phone in the evening; `habits`
    are acts beside that, usually with `days` up to 0."""

    people: int = 12
    days: int = 21
    downloads: int = 3
    habits: tuple[Act, ...] = ()

    def events(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        """Everything from one day to another, both included."""
        yield from life_events(self, range(first, last + 1))
        for habit in self.habits:
            yield from act_events(habit, self, first, last)


@dataclass(frozen=True, slots=True)
class Find:
    """An anomaly that must be found on day 0 or later; `evidence` and `details` name parts of
    `details.gridtrail` and `details` that must be as given."""

    who: str
    reasons: list[str]
    evidence: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `where` is file and name, for messages."""

    where: str
    name: str
    life: Life
    given: tuple[Act, ...]
    finds: tuple[Find, ...]


_Shape = TypeVar("_Shape", Life, Act, Find)


def load_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file. Raises WrongUse naming file, case and key of the first mistake."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongUse(f"{path.name} cannot be read ({error}): correct it.") from error
    _only(content, ("life", "case"), path.name)
    return tuple(
        _case(case, content.get("life", {}), f"{path.name}, case {number}")
        for number, case in enumerate(content.get("case", []), 1)
    )


def _case(given: Mapping[str, Any], life: Mapping[str, Any], where: str) -> Case:
    _only(given, ("name", "life", "given", "finds"), where)
    missing = [key for key in ("name", "given", "finds") if key not in given]
    if missing:
        raise WrongUse(f"{where} has no {missing[0]}: add it.")
    where = f"{where} ({given['name']})"
    return Case(
        where=where,
        name=given["name"],
        life=_life({**life, **given.get("life", {})}, where),
        given=tuple(_shaped(Act, act, where) for act in given["given"]),
        finds=tuple(_shaped(Find, find, where) for find in given["finds"]),
    )


def _life(content: Mapping[str, Any], where: str) -> Life:
    habits = tuple(_shaped(Act, act, where) for act in content.get("habits", []))
    return _shaped(Life, {**content, "habits": habits}, where)


def _shaped(shape: type[_Shape], content: Mapping[str, Any], where: str) -> _Shape:
    _only(content, tuple(f.name for f in fields(shape)), where)
    try:
        return shape(**content)
    except TypeError as error:
        raise WrongUse(f"{where} is not complete ({error}): add what is missing.") from error


def _only(content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = [key for key in content if key not in known]
    if unknown:
        raise WrongUse(f"{where} has the unknown key {unknown[0]!r}: use {', '.join(known)}.")


def seconds_of(span: str) -> int:
    """Seconds of a span such as `90s`, `8m`, `2h` or `1d`."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise WrongUse(f"{span!r} is no span of time: write 90s, 8m, 2h or 1d.")
    return int(found[1]) * _SECONDS[found[2]]


# events -------------------------------------------------------------------------------------


def life_events(life: Life, days: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The events of ordinary days (counted from day 0)."""
    for day, (number, who) in itertools.product(days, enumerate(PEOPLE[: life.people])):
        place = "home" if (day + number) % 3 == 0 else "office"
        start = stage.second_of(day, "08:30") + 97 * number
        yield stage.slack_event(start, who, "user_login", place=place)
        busy = _BUSY[(day * 5 + number * 3) % len(_BUSY)]
        for file in range(max(round(life.downloads * busy), 1)):
            at = start + 600 + file * 1987
            name = f"{who} {day} {file}"
            thing = stage.file_entity(name)
            yield stage.slack_event(at, who, "file_downloaded", entity=thing, place=place)
        phone = "iphone" if number % 2 else "android"
        evening = stage.second_of(day, "19:00") + 61 * number
        details = {"type": "JOINED"}
        yield stage.slack_event(
            evening, who, "user_channel_join", place="phone", client=phone, details=details
        )


def act_events(
    act: Act, life: Life, first: int | None = None, last: int | None = None
) -> Iterator[dict[str, Any]]:
    """The events of one act, of all its days or of those from `first` to `last`."""
    days = [act.day] if act.days is None else range(act.days[0], act.days[1] + 1, act.every)
    chosen = [d for d in days if first is None or last is None or first <= d <= last]
    things = act.things or act.times
    for day, who in itertools.product(chosen, _people(act.who, life)):
        start = stage.second_of(day, act.at)
        for number in range(act.times):
            at = start + seconds_of(act.over) * number // act.times
            thing = f"{who} {act.does} {day} {act.at} {number % things}"
            yield stage.slack_event(
                at,
                who,
                act.does,
                place=act.place,
                client=act.client,
                number=number,
                entity=_entity(act, thing),
                session=_session(act, who),
                app=act.app,
                bot=act.bot,
                details=act.details,
            )


def _entity(act: Act, thing: str) -> dict[str, Any] | None:
    if act.on is not None:
        return stage.person_entity(act.on)
    make = stage.THINGS.get(act.does.split("_")[0])
    return None if make is None else make(thing)


def _people(who: str | list[str], life: Life) -> list[str]:
    if isinstance(who, list):
        return who
    if who == "everybody":
        return list(PEOPLE[: life.people])
    count = who.removesuffix(" others")
    return list(PEOPLE[life.people - int(count) : life.people]) if count.isdigit() else [who]


def _session(act: Act, who: str) -> int | str | None:
    if act.session is None:
        return None
    return stage.session_of(who, act.session) if act.session else ""


# running ------------------------------------------------------------------------------------


class CaseRunner:
    """Runs cases in lakes under `folder`; ordinary days are stored and decided once for all cases
    that share them."""

    def __init__(self, folder: Path, engine: DuckDB) -> None:
        self.folder, self.engine = folder, engine
        self.settings = stage.stage_settings(folder / "stage")
        self._lives: dict[tuple[str, str], Path] = {}
        self._numbers = itertools.count()

    def problems(self, detector: Detector, case: Case) -> list[str]:
        """What is otherwise than the case says; empty when all is well."""
        found = self.found(detector, case)
        told = [f"{one.subject} {', '.join(one.reasons)}: {one.words}" for one in found]
        if len(found) != len(case.finds):
            listed = "; ".join(told) or "nothing"
            return [f"{case.where}: {len(case.finds)} to be found, found {listed}"]
        pairs = zip(case.finds, found, strict=True)
        return [f"{case.where}: {text}" for find, one in pairs for text in _differences(find, one)]

    def found(self, detector: Detector, case: Case) -> list[Emitted]:
        """The anomalies of day 0 and later, in order of time."""
        lake = self.lake(detector, case.life)
        events = list(case.life.events(0, 0))
        stage.store(lake, events + [e for act in case.given for e in act_events(act, case.life)])
        report = self.run(lake, detector, stage.second_of(30), dry_run=True)
        shutil.rmtree(lake.home)
        return [one for one in report.emitted if one.at >= stage.second_of(0)]

    def lake(self, detector: Detector, life: Life) -> Lake:
        """A new lake with the ordinary days before day 0, decided by the detector."""
        home = self.new_folder()
        _branch(self._life(detector, life), home)
        return Lake(home, self.engine)

    def new_folder(self) -> Path:
        """A name for a folder that is not there yet."""
        return self.folder / f"lake{next(self._numbers)}"

    def run(
        self, lake: Lake, detector: Detector, to: int, *, dry_run: bool = False
    ) -> OrganizationReport:
        """Decide everything up to a second."""
        report = detect(
            lake,
            self.engine,
            self.settings,
            detectors=[detector],
            org=stage.ORG,
            now=to + self.settings.detect.settle_seconds,
            dry_run=dry_run,
        )
        return report.organizations[0]

    def _life(self, detector: Detector, life: Life) -> Path:
        """The lake of ordinary days, decided up to the first second of day 0."""
        key = (detector.name, repr(life))
        if key not in self._lives:
            lake = Lake(self.new_folder(), self.engine)
            stage.store(lake, before(life))
            found = self.run(lake, detector, stage.second_of(0)).emitted
            settled = stage.second_of(-SETTLED_DAYS)
            if said := [one for one in found if one.at >= settled]:  # a habit is odd at first
                raise WrongUse(
                    f"{detector.name} marks ordinary life ({said[0].subject}: {said[0].words}): "
                    "give it another one, or mend the detector."
                )
            self._lives[key] = lake.home
        return self._lives[key]


def before(life: Life) -> list[dict[str, Any]]:
    """Ordinary days before day 0, and one event of its first second."""
    newest = stage.slack_event(stage.second_of(0), PEOPLE[0], "user_login")
    return [*life.events(-life.days, -1), newest]


def _branch(lake: Path, home: Path) -> None:
    """Make `home` a lake that begins as `lake` is: logs are copied, data files never change and
    are linked to."""
    for table in lake.iterdir():
        (home / table.name).mkdir(parents=True)
        for entry in table.iterdir():
            if entry.name == "_delta_log":
                shutil.copytree(entry, home / table.name / entry.name)
            else:
                (home / table.name / entry.name).symlink_to(entry)


def _differences(find: Find, found: Emitted) -> Iterator[str]:
    details = json.loads(found.raw)["details"]
    who = stage.person_id(find.who) if find.who in PEOPLE else find.who
    if found.subject != who:
        yield f"{who} to be found, found {found.subject}"
    if list(found.reasons) != sorted(find.reasons):
        yield f"reasons {sorted(find.reasons)} to be found, found {list(found.reasons)}"
    yield from _missing(find.evidence, details["gridtrail"], "evidence")
    yield from _missing(find.details, details, "details")


def _missing(wanted: Mapping[str, Any], there: Any, where: str) -> Iterator[str]:
    for key, value in wanted.items():
        if not isinstance(there, Mapping) or key not in there:
            yield f"{where} has no {key}"
        elif isinstance(value, Mapping):
            yield from _missing(value, there[key], f"{where}.{key}")
        elif there[key] != value:
            yield f"{where}.{key} is {there[key]!r}, not {value!r}"
