"""`gridtrail allow`: the allow list, tried before it takes effect, and alike with Slack's."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.responses import put_on_trail
from gridtrail.cli.signout import confirmed
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_duration, parse_time
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.respond.allow_list import AllowList, StoredEntry
    from gridtrail.respond.allow_sync import Difference

app = typer.Typer(
    help="The allow list: list, add, try on history, keep alike.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FIELDS = [
    "id", "state", "name", "cidr", "asn", "client", "user_agent", "user", "app", "reasons", "org",
    "owner", "reason", "origin", "at_slack", "since", "expires_at", "created_at", "removed_at",
    "removed_by",
]  # fmt: skip
COLUMNS = [
    column("id", whole=True),
    column("state"),
    Column("allows", lambda row: row["words"], widest=80),
    column("owner"),
    column("reason"),
    Column("until", lambda row: "" if row["until"] is None else iso_seconds(row["until"])),
    Column("at Slack", lambda row: "yes" if row["at_slack"] else "", spare=1),
]
_TRIAL_FIELDS = ["kind", "id", "at", "what", "verdict", "lost", "anomalies"]
_TRIAL_COLUMNS = [
    column("kind"),
    column("id"),
    Column("time", lambda row: iso_seconds(row["at"]), whole=True),
    column("what", widest=80),
    column("verdict", style="red"),
    Column("lost", lambda row: f"{row['lost']} of {row['anomalies']}", right=True),
]
_CHANGE_FIELDS = ["change", "what"]
_CHANGE_COLUMNS = [column("change", whole=True), column("what")]

CidrOption = Annotated[
    str | None, typer.Option("--cidr", metavar="RANGE", help="Range of addresses, IPv4 or IPv6.")
]
AsnOption = Annotated[int | None, typer.Option("--asn", help="Autonomous system (a number).")]
ClientOption = Annotated[
    str | None, typer.Option("--client", help="Client family, such as Slack Desktop.")
]
AgentOption = Annotated[
    str | None, typer.Option("--ua", metavar="PATTERN", help="User agent; * is any text.")
]
UserOption = Annotated[str | None, typer.Option("--user", metavar="ID", help="A Slack user.")]
AppOption = Annotated[str | None, typer.Option("--app", metavar="ID", help="A Slack app.")]
ReasonsOption = Annotated[
    list[str] | None,
    typer.Option("--for", metavar="REASON", help="Only this anomaly reason; repeat for several."),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="allow")


@app.command("list")
def list_entries(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """List the entries that hold."""
    run = session(context)
    with _store(run) as kept:
        for one in kept.tell_expired(run.settings.org):
            there = " Slack's list still has it: gridtrail allow push." if one.at_slack else ""
            say(f"Expired: {one.words} (of {one.owner}).{there}", style="yellow")
        rows = [_row(one) for one in kept.all()]
    rows = [row for row in rows if everything or row["state"] in ("active", "later")]
    listing(rows, output, table=COLUMNS, fields=FIELDS)


@app.command("add")
def add(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is good.")],
    cidr: CidrOption = None,
    asn: AsnOption = None,
    client: ClientOption = None,
    user_agent: AgentOption = None,
    user: UserOption = None,
    app_id: AppOption = None,
    reasons: ReasonsOption = None,
    org: OrgOption = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Who answers for it (default: you).")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Shown on what it silences.")] = "",
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Lifetime such as 30d, or a date."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="It held from then on (default: now)."),
    ] = None,
    yes_risky: Annotated[
        bool, typer.Option("--yes-risky", help="Do not ask about a risky entry.")
    ] = False,
    output: FormatOption = Format.table,
) -> None:
    """Allow something. All that is named must fit; what is learned stays the same.

    A risky entry (a cloud provider, a wide range, a Tor exit, much of all traffic) asks twice.
    """
    from gridtrail.respond.allow_trial import risks
    from gridtrail.respond.trail import ALLOW_ADDED

    run, now = session(context), int(time.time())
    made = _drafted(
        owner=owner or getpass.getuser(), reason=reason, now=now, name=name,
        since=now if since is None else parse_time(since),
        expires_at=_end(expires, now), reasons=tuple(reasons or ()), org=org,
        cidr=cidr, asn=asn, client=client, user_agent=user_agent, user=user, app=app_id,
    )  # fmt: skip
    for risk in (found := risks(run.lake, run.settings, made.entry, now)):
        say(f"Risky: {risk}", style="red")
    if found:
        for question in (f"Allow {made.words} all the same.", "It is risky; are you sure?"):
            confirmed(question, yes_risky, option="--yes-risky")
    with _store(run) as kept:
        kept.add(made)
    _record(run, ALLOW_ADDED, made)
    listing([_row(made)], output, table=COLUMNS, fields=FIELDS)


@app.command("remove")
def remove(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ID", help="The entry: its id, or the beginning of it.")
    ],
) -> None:
    """End an entry now. What it silenced stays silenced."""
    from gridtrail.respond.trail import ALLOW_REMOVED

    run = session(context)
    with _store(run) as kept:
        ended = kept.remove(entry, getpass.getuser())
    _record(run, ALLOW_REMOVED, ended)
    there = " Slack's list still has it: gridtrail allow push." if ended.at_slack else ""
    say(f"{ended.words} is no longer allowed.{there}")


@app.command("simulate")
def simulate(
    context: typer.Context,
    entry: Annotated[
        str | None, typer.Argument(metavar="ID", help="An entry, instead of the options.")
    ] = None,
    cidr: CidrOption = None,
    asn: AsnOption = None,
    client: ClientOption = None,
    user_agent: AgentOption = None,
    user: UserOption = None,
    app_id: AppOption = None,
    reasons: ReasonsOption = None,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Beginning of the period.")
    ] = "90d",
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Its end (default: now).")
    ] = None,
    output: FormatOption = Format.table,
) -> int:
    """Say what an entry would have silenced.

    Findings (those judged true first) and anomalies.

    Ends with 1 when a finding that was judged true would have lost something.
    """
    from gridtrail.respond.allow_trial import simulate as tried

    run, now = session(context), int(time.time())
    if entry is not None:
        with _store(run) as kept:
            wanted = kept.get(entry)
    else:
        wanted = _drafted(
            owner="-", reason="-", now=now, reasons=tuple(reasons or ()),
            cidr=cidr, asn=asn, client=client, user_agent=user_agent, user=user, app=app_id,
        )  # fmt: skip
    last = now if end is None else parse_time(end, end=True)
    trial = tried(run.lake, run.settings, wanted.entry, parse_time(start, now=now), last)
    listing(trial.rows(), output, table=_TRIAL_COLUMNS, fields=_TRIAL_FIELDS)
    silenced = counted(len(trial.silenced), "anomaly", "anomalies")
    say(
        f"{wanted.words} would have silenced {silenced} of {trial.looked_at:,}, in "
        f"{counted(len(trial.findings), 'finding')}, {trial.true_findings} of them judged true.",
        style="red" if trial.true_findings else "",
    )
    return 1 if trial.true_findings else 0


@app.command("pull")
def pull(
    context: typer.Context,
    dry_run: DryOption = False,
    yes: YesOption = False,
    output: FormatOption = Format.table,
) -> None:
    """Bring the list in line with Slack's.

    Takes over what appeared there, and ends here what went there.
    """
    from gridtrail.respond.allow_sync import pull as pulled
    from gridtrail.respond.trail import ALLOW_PULLED

    run = session(context)
    with _store(run) as kept:
        slack, shown = _compared(run, kept)
        changes = [("added here", value) for _, value in shown.to_here]
        changes += [("ended here", one.words) for one in shown.off_here]
        if _agreed(changes, output, dry_run, yes, "Change the list here"):
            pulled(slack, kept, shown, by=getpass.getuser())
            _record_changes(run, ALLOW_PULLED, changes)
            say("Done.")


@app.command("push")
def push(
    context: typer.Context,
    dry_run: DryOption = False,
    yes: YesOption = False,
    output: FormatOption = Format.table,
) -> None:
    """Bring Slack's allow list in line with this one.

    IPv4 ranges and ASNs are added there, what ended here is taken away there.

    What others wrote in Slack stays.
    """
    from gridtrail.respond.allow_sync import push as pushed
    from gridtrail.respond.trail import ALLOW_PUSHED

    run = session(context)
    with _store(run) as kept:
        slack, shown = _compared(run, kept)
        changes = [("added at Slack", one.words) for one in shown.to_slack]
        changes += [("removed at Slack", one.words) for one in shown.off_slack]
        for one in shown.only_here:
            say(f"Stays here alone: {one.words} (Slack's list takes IPv4 ranges and ASNs).")
        if _agreed(changes, output, dry_run, yes, "Change Slack's list"):
            pushed(slack, kept, shown)
            _record_changes(run, ALLOW_PUSHED, changes)
            say("Done.")


def _compared(run: Session, kept: AllowList) -> tuple[Any, Difference]:
    from gridtrail.respond.allow_sync import difference
    from gridtrail.respond.sign_out import organization_of
    from gridtrail.respond.slack_admin import SlackAdmin

    slack = SlackAdmin(run.settings.respond)
    org = organization_of(run.settings)
    return slack, difference(slack.allowed(), kept.all(), time.time(), org)


def _agreed(
    changes: list[tuple[str, str]], output: Format, dry_run: bool, yes: bool, sentence: str
) -> bool:
    rows = [{"change": change, "what": what} for change, what in changes]
    listing(rows, output, table=_CHANGE_COLUMNS, fields=_CHANGE_FIELDS)
    if not rows:
        say("Both sides agree: nothing to do.")
    elif dry_run:
        say("Nothing was changed: without --dry-run this is done.")
    else:
        confirmed(f"{sentence} so ({counted(len(rows), 'entry', 'entries')}).", yes)
    return not dry_run


def _drafted(**given: Any) -> StoredEntry:
    from gridtrail.respond.allow_list import draft

    made, notices = draft(**given)
    for notice in notices:
        say(notice, style="yellow")
    return made


def _end(text: str | None, now: int) -> int | None:
    if text is None:
        return None
    try:
        return now + parse_duration(text)
    except WrongUse:
        return parse_time(text)


def _store(run: Session) -> AllowList:
    from gridtrail.respond.allow_list import AllowList

    return AllowList(run.settings.state)


def _row(one: StoredEntry) -> Row:
    return one.to_json(time.time())


def _record(run: Session, action: str, one: StoredEntry) -> None:
    from gridtrail.respond.allow_list import trail_details

    entity = ("allow_entry", one.id, one.name)
    put_on_trail(run, one.org or run.settings.org, action, entity, trail_details(one))


def _record_changes(run: Session, action: str, changes: list[tuple[str, str]]) -> None:
    from gridtrail.respond.sign_out import organization_of

    if changes:
        org, details = organization_of(run.settings), {"changes": [" ".join(c) for c in changes]}
        put_on_trail(run, org, action, ("enterprise", org, org), details)
