"""A finding's whole story on one page: who, where, with what, how unusual, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gridtrail.cli.page import Page
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.text import counted
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.triage.finding import Finding
    from gridtrail.triage.store import Note

SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}

_MOST_FILES = 15
_FEW = 3
_MOST_RUNS = 20
_MOST_PLACES = 8


def _time(name: str, title: str) -> Column:
    return Column(title, lambda row: iso_seconds(row[name]), whole=True)


_FILE_COLUMNS = [
    column("name", "file", widest=70),
    column("downloads", right=True),
    column("other_people", "other people", right=True),
    _time("first_seen", "first"),
]
_RUN_COLUMNS = [
    _time("from", "from"),
    _time("to", "to"),
    column("action"),
    column("events", right=True),
]
_USUAL_COLUMNS = [
    column("what", ""),
    column("this", "this time", right=True),
    column("median", "usual", right=True),
    column("most", "most ever", right=True),
]


def print_story(finding: Finding, evidence: Sequence[Row], notes: Sequence[Note] = ()) -> None:
    """Print the page; `evidence` rows have `time`, `reasons`, `words` and `silent_if`."""
    page = Page()
    _head(page, finding)
    if finding.verdict_reason:
        page.space()
        page.paragraph(f"Decided because: {finding.verdict_reason}")
    for paragraph in finding.narrative.splitlines():
        page.space()
        page.paragraph(paragraph)
    page.space()
    _circumstances(page, finding, evidence)
    _reasons(page, finding, evidence)
    _usual(page, finding.history)
    _files(page, finding.context.get("files") or {})
    _timeline(page, finding.context)
    _advice(page, finding)
    if notes:
        page.heading("Notes")
        for note in notes:
            page.item("-", f"{iso_seconds(note.at)} {note.author}: {note.text}")
    page.print()


def print_short_story(finding: Finding, evidence: Sequence[Row]) -> None:
    """Print who, where from, with what, which files, how unusual: a few lines."""
    page = Page()
    _head(page, finding)
    page.space()
    _circumstances(page, finding, evidence, most=1)
    files = finding.context.get("files") or {}
    if files.get("listed"):
        names = ", ".join(one["name"] or one["id"] for one in files["listed"][:_FEW])
        page.pair("files", f"{counted(files['distinct'], 'distinct file')}, among them {names}")
    for action, counts in (finding.history.get("counts") or {}).items():
        page.pair("usual", _in_short(action, counts))
    page.print()


def _head(page: Page, finding: Finding) -> None:
    page.title(
        finding.title,
        badge=finding.severity.upper(),
        style=SEVERITY_STYLES.get(finding.severity, ""),
    )
    state = finding.status if finding.verdict is None else f"{finding.status}, {finding.verdict}"
    state += f", {finding.assignee} looks after it" if finding.assignee else ""
    seen = f"{iso_seconds(finding.first_seen)} to {iso_seconds(finding.last_seen)}"
    page.paragraph(
        f"{finding.id}   {finding.org}   score {finding.score:.1f}   {state}   {seen}", style="dim"
    )


def _circumstances(
    page: Page, finding: Finding, evidence: Sequence[Row], most: int = _MOST_PLACES
) -> None:
    """Who, from where, with what, in which sessions and places; `most` of each."""
    context = finding.context
    page.pair("who", _who(finding, evidence))
    _several(page, "from", [_address(one) for one in context.get("addresses") or ()], most)
    _several(page, "client", [_client(one) for one in context.get("clients") or ()], most)
    _several(page, "session", [_session(one) for one in context.get("sessions") or ()], most)
    places = [*(context.get("channels") or ()), *(context.get("workspaces") or ())]
    places.sort(key=lambda one: -one["events"])
    if places:
        page.pair("where", ", ".join(_place(one) for one in places[:most]))
    answers = context.get("responses") or ()
    told = [f"{one['action']} at {iso_seconds(one['at'])}" for one in answers]
    _several(page, "answered", told, most)


def _who(finding: Finding, evidence: Sequence[Row]) -> str:
    named = {row["actor_id"]: (row["actor_name"], row["actor_email"]) for row in evidence}
    people = []
    for actor in finding.actor_ids:
        name, email = named.get(actor, (None, None))
        known = ", ".join(one for one in (email, actor) if one)
        people.append(f"{name} ({known})" if name else known)
    return "; ".join(people) or "nobody named"


def _several(page: Page, label: str, texts: Sequence[str], most: int) -> None:
    for number, text in enumerate(texts[:most]):
        page.pair(label if number == 0 else "", text)
    if len(texts) > most:
        page.pair("", f"and {len(texts) - most} more")


def _address(one: Mapping[str, Any]) -> str:
    asn = f"AS{one['asn']}" if one.get("asn") else None
    facts = [asn, one.get("asn_name"), _kind(one, "address_kind"), one.get("country")]
    return _said(one["ip"], facts, one)


def _client(one: Mapping[str, Any]) -> str:
    expected = "expected" if one.get("expected") else "not expected here"
    family = one.get("family") if one.get("family") != one["ua"] else None
    return _said(one["ua"], [family, _kind(one, "kind"), expected], one)


def _kind(one: Mapping[str, Any], key: str) -> object:
    """What kind it is; nothing where that is unknown."""
    return None if one.get(key) == "unknown" else one.get(key)


def _said(what: str, facts: Sequence[object], one: Mapping[str, Any]) -> str:
    known = one.get("known_since")
    since = f"known since {iso_seconds(known)[:10]}" if known else "never used before"
    people = one.get("people")
    others = f"{counted(people, 'person', 'people')} used it" if people else None
    events = counted(one["events"], "event")
    said = ", ".join(str(fact) for fact in [*facts, since, others, events] if fact)
    return f"{what} ({said})"


def _session(one: Mapping[str, Any]) -> str:
    parts = [f"began {iso_seconds(one['born'])}"] if one.get("born") else []
    parts += [f"with {one['born_as']}"] if one.get("born_as") else []
    parts += [counted(one["events"], "event")]
    addresses = len(one.get("addresses") or ())
    parts += [counted(addresses, "address", "addresses")] if addresses > 1 else []
    others = one.get("other_actors")
    parts += [f"{counted(others, 'other person', 'other people')} in it"] if others else []
    return f"{one['id']} ({', '.join(parts)})"


def _place(one: Mapping[str, Any]) -> str:
    return f"{one.get('name') or one['id']} ({counted(one['events'], 'event')})"


def _reasons(page: Page, finding: Finding, evidence: Sequence[Row]) -> None:
    page.heading("Why")
    said: set[str] = set()
    for row in evidence:
        reasons = ", ".join(row["reasons"] or ())
        said.update(row["reasons"] or ())
        page.item("-", f"{row['time']} {reasons}: {row['words'] or 'flagged by Slack'}")
        if row["silent_if"]:
            page.paragraph(f"Silent with {row['silent_if']}", style="dim", indent="    ")
    rest = [reason for reason in finding.reasons if reason not in said]
    if rest:
        page.item("-", ", ".join(rest))


def _usual(page: Page, history: Mapping[str, Any]) -> None:
    rows = [
        row
        for action, counts in (history.get("counts") or {}).items()
        for row in _of(action, counts)
    ]
    if not rows:
        return
    page.heading(f"How unusual (the {history.get('days', 30)} days before)")
    page.table(_USUAL_COLUMNS, rows)


def _of(action: str, counts: Mapping[str, Any]) -> list[Row]:
    seen, person = counts["observed"], counts["person"]
    organization = counts["organization"]
    return [
        _usual_row(f"{action} in an hour, this person", seen["busiest_hour"], person, "hour"),
        _usual_row(f"{action} in a day, this person", seen["busiest_day"], person, "day"),
        {
            "what": f"{action} in a day, anybody here",
            "this": seen["busiest_day"],
            "median": organization["p50"],
            "most": organization["most"],
        },
    ]


def _usual_row(what: str, seen: int, person: Mapping[str, Any], unit: str) -> Row:
    return {
        "what": what,
        "this": seen,
        "median": person[f"{unit}_median"],
        "most": person[f"{unit}_most"],
    }


def _in_short(action: str, counts: Mapping[str, Any]) -> str:
    seen, person = counts["observed"], counts["person"]
    own = "none before" if person["day_most"] is None else f"at most {person['day_most']} before"
    everyone = counts["organization"]["most"]
    others = "" if everyone is None else f", anybody here at most {everyone}"
    return f"{seen['busiest_day']} {action} in a day; this person {own}{others}"


def _files(page: Page, files: Mapping[str, Any]) -> None:
    listed = files.get("listed") or []
    if not listed:
        return
    page.heading(f"Files: {counted(files['distinct'], 'distinct file')}, those that say most first")
    page.table(_FILE_COLUMNS, listed[:_MOST_FILES])
    _more(page, files["distinct"] - len(listed[:_MOST_FILES]))


def _timeline(page: Page, context: Mapping[str, Any]) -> None:
    runs = context.get("timeline") or []
    if not runs:
        return
    page.heading("Timeline")
    page.table(_RUN_COLUMNS, runs[:_MOST_RUNS])
    _more(page, context.get("timeline_runs", len(runs)) - len(runs[:_MOST_RUNS]))


def _more(page: Page, number: int) -> None:
    if number > 0:
        page.paragraph(f"and {number:,} more", style="dim", indent="  ")


def _advice(page: Page, finding: Finding) -> None:
    if finding.advice:
        page.heading("What to do")
        for number, text in enumerate(finding.advice, 1):
            page.item(f"{number}.", text)
