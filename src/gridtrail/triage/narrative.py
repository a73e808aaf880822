"""The finding in plain sentences: what, who, from where, with what, which files, how unusual."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gridtrail.triage.patterns import FEWEST_UNPRECEDENTED, HISTORY_DAYS
from gridtrail.triage.story import Story
from gridtrail.triage.words import day, listed, moment, number, quoted, sentence, shown, span

_ACTIONS = MappingProxyType(
    {
        "file_downloaded": ("downloads", "files downloaded"),
        "file_shared": ("file shares", "files shared"),
        "file_malicious_content_detected": ("malicious files", "malicious files"),
        "message_tombstoned": ("deleted messages", "messages deleted"),
    }
)
_MOST_PEOPLE = 5
_MOST_FILES = 5
_MOST_OTHER = 6
_MOST_RULINGS = 6
_MOST_COUNTS = 2


def narrative_of(story: Story) -> str:
    """Paragraphs of sentences, a line each: what happened, from where and with what, how unusual
    it is, what else there is, what detectors say of it. Every piece of an event in them is made
    safe."""
    paragraphs = (
        (_what, _meaning, _hits, _files),
        (_addresses, _clients, _policy, _impact),
        (_usual, _anomalies, _by_reason),
        (_else, _responses),
        (_evidence,),
    )
    written = (
        " ".join(sentence(text) for part in parts for text in part(story)) for parts in paragraphs
    )
    return "\n".join(paragraph for paragraph in written if paragraph)


def _what(story: Story) -> Iterator[str]:
    times = [one.happened for one in story.anomalies]
    known = [quoted(one) for one in (story.email, story.actors[0] or "") if one]
    who = f"{story.name} ({', '.join(known)})" if known else story.name
    others = [story.name_of(actor) for actor in story.actors[1:]]
    if others:
        rest = len(others) - _MOST_PEOPLE
        more = [number(rest, "other person", "other people")] if rest > 0 else []
        who = listed([who, *others[:_MOST_PEOPLE], *more])
    raised = len(story.anomalies) - len(story.hits)
    parts = [number(raised, "anomaly", "anomalies")] if raised else []
    parts += [number(len(story.hits), "rule hit")] if story.hits else []
    count = f"{listed(parts)} {'was' if len(story.anomalies) == 1 else 'were'}"
    yield (
        f"{span(min(times), max(times))}, {count} raised for {who}: {listed(story.reason_words)}"
    )


_MEANINGS = MappingProxyType(
    {
        "stolen_session": "The access itself was unusual too, not only what was done with it: "
        "somebody else may hold this person's session",
        "admin_takeover": "Both the access and what was changed with it are unusual for this "
        "person",
        "credential_spray": "Somebody tried credentials of many accounts from one address, and "
        "there is odd access from the same address: passwords that were guessed or have leaked",
        "blinded": "Something that watches or limits was turned off near it",
        "odd_access_taking": "The access was unusual, and then more was taken than usual: a "
        "journey explains both, and so does a stranger with this person's account",
        "shared_place": "Several people came from one address range that is unusual for each of "
        "them: a new office, egress or event, or somebody who holds several accounts",
        "hosted_abroad": "People are not at hosting companies in countries where they never were, "
        "unless a VPN or a cloud desktop puts them there: somebody else may have signed in",
        "gathering": "Several people came to one network that is unusual for each of them: a "
        "journey, an event or a new way out of the company",
        "leaving_insider": "Somebody who leaves took more than usual",
        "malware_spread": "More than one person brought in malicious files: look for what they "
        "have in common",
        "rogue_app": "More than one thing about this app is unusual at the same time",
    }
)
"""Main pattern -> what it means."""


def _meaning(story: Story) -> Iterator[str]:
    if story.pattern in _MEANINGS:
        yield _MEANINGS[story.pattern]
    elif story.pattern == "bulk_download_away":
        yield story.context["judged"]["away"]
        yield "A journey explains both, and so does a stranger who holds this person's session"
    elif story.pattern == "scraping_tool" and not story.families & {"network", "session"}:
        yield (
            f"There is no address anomaly and no session anomaly: it looks like this {story.who}'s "
            "own doing"
        )
    elif story.pattern == "bulk_download" and story.families == {"volume"}:
        yield "Nothing but the volume is unusual: no address, session or client anomaly is near"


def _hits(story: Story) -> Iterator[str]:
    if not story.reasons:
        return  # `_what` named them
    titles = [quoted(title) for title in dict.fromkeys(one.title for one in story.hits)]
    if titles:
        more = [number(len(titles) - 5, "other rule")] if len(titles) > 5 else []
        yield f"Rules that hit: {listed([*titles[:5], *more])}"


def _files(story: Story) -> Iterator[str]:
    files = story.context["files"]
    if not files["distinct"]:
        return
    events = number(files["events"], "file event")
    distinct = number(files["distinct"], "distinct file")
    loaded = files["downloads"]
    if loaded["distinct"]:
        events = number(loaded["events"], "download")
        distinct = number(loaded["distinct"], "distinct file")
    told = files["listed"][:_MOST_FILES]
    names = listed([quoted(one["name"] or one["id"]) for one in told])
    among = "the files are" if files["distinct"] <= len(told) else "among the files are"
    yield f"Around it there were {events} of {distinct}; {among} {names}"
    alone = [one for one in told if one["other_people"] == 0]
    if alone and len(alone) < len(told):
        only = listed([quoted(one["name"] or one["id"]) for one in alone])
        yield f"Nobody else touched {only} in the past {story.history['days']} days"


def _addresses(story: Story) -> Iterator[str]:
    ips = {one.ip for one in story.anomalies}
    for row in [one for one in story.context["addresses"] if one["ip"] in ips][:3]:
        facts = [
            shown(str(row[key]))
            for key in ("asn_name", "country", "address_kind")
            if row.get(key) and row[key] != "unknown"
        ]
        where = f"{quoted(row['ip'])} ({', '.join(facts)})" if facts else quoted(row["ip"])
        yield f"It came from {where}; {_known(story, row)}"
    for row in story.context["judged"]["addresses"][:3]:
        if " saw this person " in row["words"]:
            yield f"Of {quoted(row['ip'])} it is known that {row['words']}"
    if story.context["judged"]["together"]:
        yield f"It may well be harmless: {story.context['judged']['together']}"


def _clients(story: Story) -> Iterator[str]:
    own = [one for one in story.context["clients"] if not one["expected"]]
    for row in own[:3]:
        yield (
            f"The client calls itself {quoted(row['ua'])}, which nobody listed as expected; "
            f"{_known(story, row)}"
        )


def _policy(story: Story) -> Iterator[str]:
    said = [one["words"] for one in story.context["judged"]["policy"]]
    for text in said[:_MOST_RULINGS]:
        yield f"By policy: {text}"


def _impact(story: Story) -> Iterator[str]:
    said = [one["words"] for one in story.context["impact"] if one["what"] != "files"]
    if said:
        yield f"What it can mean: {'; '.join(said)}"


def _known(story: Story, row: Mapping[str, Any]) -> str:
    """Who used an address or a client before; `people` counts this person too."""
    days = story.history["days"]
    others = row["people"] - 1
    who = number(others, "other person", "other people") if others > 0 else "nobody else"
    if row["known_since"] is None:
        joined = "but" if others > 0 else "and"
        return f"this {story.who} had not used it in the {days} days before, {joined} {who} did"
    since = day(row["known_since"])
    known = f"this {story.who} has used it since at least {since}"
    return f"{known}, and in the past {days} days {who} did"


def _usual(story: Story) -> Iterator[str]:
    for action, counts in story.history["counts"].items():
        what, things = _ACTIONS[action]
        seen, person, everyone = counts["observed"], counts["person"], counts["organization"]
        if not seen["distinct"]:
            yield f"The audit log around it shows no {what}"
            continue
        yield (
            f"The busiest day had {seen['busiest_day']} distinct {things}, the busiest hour "
            f"{seen['busiest_hour']}"
        )
        if person["active_days"]:
            yield (
                f"This {story.who}'s median is {person['day_median']:g} on a day with {what} and "
                f"the most was {person['day_most']} ({number(person['active_days'], 'such day')} "
                f"in the {story.history['days']} days before)"
            )
        else:
            yield f"This {story.who} had no {what} in the {story.history['days']} days before"
        if everyone["person_days"]:
            yield (
                f"In the organization the median is {everyone['p50']:g}, 99 of 100 such days stay "
                f"at or below {everyone['p99']}, and the most anybody had was {everyone['most']}"
            )


def _anomalies(story: Story) -> Iterator[str]:
    counts = story.history["anomalies"]
    if not counts["days"]:
        yield "The log holds no earlier day to compare the number of anomalies with"
        return
    if story.actors[0] is None:
        return
    days = number(counts["days"], "day")
    now = f"now it is {counts['most_in_a_day']} in a day"
    if not counts["organization_most_in_a_day"]:
        yield f"In the {days} of log before, no anomaly was raised for anybody; {now}"
        return
    before = number(counts["person_total"], "anomaly", "anomalies")
    yield (
        f"In the {days} of log before, this {story.who} raised {before}, and nobody more than "
        f"{counts['organization_most_in_a_day']} in a day; {now}"
    )


def _by_reason(story: Story) -> Iterator[str]:
    """What nobody ever had so often, where the log is long enough to say so."""
    if story.history["anomalies"]["days"] < HISTORY_DAYS:
        return
    rows = [
        row
        for row in story.history["by_reason"]
        if row["first_ever"] and row["count"] >= FEWEST_UNPRECEDENTED
    ]
    for row in rows[:_MOST_COUNTS]:
        within = "a day" if row["days"] == 1 else f"{row['days']} days"
        yield (
            f"It is the first time ever that anyone had {row['count']} × "
            f"{story.words_for(row['reason'])} in {within}: the most before was "
            f"{row['organization_most']} (probability for this {story.who} "
            f"{row['probability']:.1g})"
        )


def _else(story: Story) -> Iterator[str]:
    told = {"anomaly", *story.history["counts"]}
    other = [(n, action) for action, n in story.context["counts"].items() if action not in told]
    if other:
        parts = [f"{n} × {shown(action, 60)}" for n, action in other[:_MOST_OTHER]]
        more = f" and {number(len(other) - len(parts), 'other action')}"
        yield f"Also logged: {', '.join(parts)}{more if len(other) > len(parts) else ''}"


def _responses(story: Story) -> Iterator[str]:
    for row in story.context["responses"][:3]:
        yield f"At {moment(row['at'])} {shown(row['action'])} was logged for this {story.who}"


def _evidence(story: Story) -> list[str]:
    """What our own detectors said, as they said it."""
    said = [one.evidence.words for one in story.anomalies if one.evidence is not None]
    told = [_CODE.sub(_in_words, text) for text in dict.fromkeys(said) if text]
    return [f"A detector says: {quoted(text, 300)}" for text in told][:3]


_CODE = re.compile(r"\(((?:no|repeated)_[a-z_]{1,20}|wrong_order|bad_version|"
                   r"version_mismatch|chrome_electron_mismatch)\)")  # fmt: skip
_BROKEN = MappingProxyType(
    {
        "no_platform": "it names no system",
        "wrong_order": "its parts stand in another order",
        "bad_version": "a version in it is none",
        "version_mismatch": "it names two versions of Slack",
        "chrome_electron_mismatch": "its Chrome does not come with its Electron",
    }
)
"""Code of a broken rule of the grammar of user agents (`enrich.slack_agents`) -> words."""


def _in_words(code: re.Match[str]) -> str:
    how, _, part = code[1].partition("_")
    said = f"its part {part} is missing" if how == "no" else f"its part {part} comes twice"
    return f"({_BROKEN.get(code[1], said)})"
