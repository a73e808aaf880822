"""Stories that somebody should look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.people import Device, Person, new_session_id
from gridtrail.sandbox.performing import ContextAt, Pace, runs, spread_over_days
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.render import body, piece
from gridtrail.sandbox.staging import Planted, Stage, by_loudness, desktop_of
from gridtrail.sandbox.words import LEADS_FILE

SCRAPER = "Scrapers Inc"
GO_CLIENT = "Go-http-client/2.0"
TOR_BROWSER = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
INVALID_DESKTOP = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Slack_SSB/4.36.140"
)
"""No Slack, Chrome and Electron words: a spoof seen in the wild."""
SLACK_DELAY = 51
"""Seconds after the action at which Slack's own anomaly events come."""


def _slack_anomaly(
    person: Person, context: str, at: int, details: Mapping[str, object], number: int
) -> Row:
    """An anomaly event as Slack's own detection writes it, for an action at second `at`."""
    full = {
        "action_timestamp": at * 1_000_000 + 612_345,
        "location": REGIONS[person.region].city,
        "previous_ip_address": "",
        **details,
    }
    text = body("anomaly", person.actor, person.actor, context, piece(full))
    return Row(at + SLACK_DELAY, text, number)


def matt(stage: Stage, story: Story, number: int) -> Planted:
    """The leaving salesperson, in his own session and network, with an unsanctioned client."""
    person = stage.world.people[0]
    roll = stage.roll(story, number)
    device = desktop_of(person)
    pace = by_loudness(story, Pace(1, 340, 0.83), Pace(5, 45, 0.6), Pace(15, 12, 1.5))
    days = stage.workdays(person, stage.last_day(story), pace.days)
    leads = stage.world.library.names.index(LEADS_FILE)

    def context(second: int) -> str:
        return stage.forged_context(person, device, second, agent=SCRAPER)

    def rows() -> list[Row]:
        made = runs(stage, person, number, days, pace, context, roll, [leads])
        if story.with_slack_anomalies:
            seconds = sorted(row.second for row in made if row.second >= days[-1] * DAY)
            usual, _ = device.agent_at(seconds[0])
            for share, reasons in (
                (0.07, ["unexpected_scraping", "user_agent"]),
                (0.35, ["excessive_downloads"]),
            ):
                at = seconds[int(len(seconds) * share)]
                details = {"previous_ua": usual, "reason": reasons}
                made.append(_slack_anomaly(person, context(at), at, details, number))
        return made

    return Planted(
        story, number, [person.id],
        by_loudness(
            story,
            ["unexpected_user_agent", "user_agent", "unexpected_scraping", "excessive_downloads"],
            ["unexpected_user_agent", "user_agent", "excessive_downloads"],
            ["unexpected_user_agent", "user_agent"],
        ),
        "A salesperson about to leave copies files with an unsanctioned client.",
        days[0], rows, holds_cookie=True, extra={"file": LEADS_FILE, "client": SCRAPER},
    )  # fmt: skip


def stolen_session(stage: Stage, story: Story, number: int) -> Planted:
    """Somebody holds the cookie: same session, foreign hosting network, Go client, interleaved."""
    roll = stage.roll(story, number)
    pace = by_loudness(story, Pace(1, 280, 0.7), Pace(4, 60, 1.0), Pace(12, 10, 1.5))
    last = stage.last_day(story)
    person = stage.cast(roll, last, pace.days)
    device = desktop_of(person)
    days = stage.workdays(person, last, pace.days)
    network = stage.world.atlas["hosting6"]
    address = network.v4(9_000 + roll.randrange(200_000))

    def context(second: int) -> str:
        return stage.forged_context(person, device, second, agent=GO_CLIENT, ip=address)

    def rows() -> list[Row]:
        made = runs(stage, person, number, days, pace, context, roll)
        stolen = sorted(row.second for row in made)
        for second in stolen[:: max(pace.files // 8, 1)]:  # the owner works on at the same time
            at = second + roll.randrange(1, 30)
            own = stage.own_context(person, device, at)
            made.append(Row(at, stage.download(person, stage.files(person, 1, roll)[0], own)))
        if story.with_slack_anomalies:
            made += _stolen_anomalies(stage, person, device, stolen, context, number)
        return made

    return Planted(
        story, number, [person.id],
        by_loudness(
            story,
            ["ip_address", "session_fingerprint", "unexpected_user_agent", "user_agent",
             "unexpected_scraping", "excessive_downloads"],
            ["ip_address", "session_fingerprint", "unexpected_user_agent", "user_agent",
             "excessive_downloads"],
            ["ip_address", "session_fingerprint", "unexpected_user_agent", "user_agent"],
        ),
        "A stolen session cookie is used from a foreign hosting network with a Go client.",
        days[0], rows, holds_cookie=True, extra={"client": GO_CLIENT, "ip": address},
    )  # fmt: skip


def _stolen_anomalies(
    stage: Stage,
    person: Person,
    device: Device,
    seconds: list[int],
    context: ContextAt,
    number: int,
) -> list[Row]:
    made = []
    for share, reasons, more in (
        (0.07, ["unexpected_scraping", "user_agent", "unexpected_user_agent", "ip_address"],
         {"scraping_tool": "Go-based tool", "ip_address_details": ["new-asn", "cloud-asn"]}),
        (0.35, ["excessive_downloads"], {}),
    ):  # fmt: skip
        at = seconds[int(len(seconds) * share)]
        before = {
            "location": "Chișinău, MD",
            "previous_ip_address": stage.world.places.address(person, device, at).ip,
            "previous_ua": device.agent_at(at)[0],
        }
        details = {**before, "reason": reasons, **more}
        made.append(_slack_anomaly(person, context(at), at, details, number))
    return made


def _foreign_login(
    stage: Stage,
    story: Story,
    number: int,
    pace: Pace,
    agent: str,
    addresses: list[str],
) -> tuple[Person, list[int], Callable[[], list[Row]]]:
    """A new session of somebody, from elsewhere: a sign-in a day, then downloads."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, pace.days)
    device = desktop_of(person)
    days = stage.workdays(person, last, pace.days)
    session = new_session_id(stage.world.plan.seed, number)

    def context(second: int) -> str:
        address = addresses[(second // 14_400) % len(addresses)]
        return stage.forged_context(
            person, device, second, agent=agent, ip=address, session=session
        )

    def rows() -> list[Row]:
        made = runs(stage, person, number, days, pace, context, roll)
        first = min(row.second for row in made)
        login = body("user_login", person.actor, person.actor, context(first - 25))
        return [Row(first - 25, login, number), *made]

    return person, days, rows


def tor(stage: Stage, story: Story, number: int) -> Planted:
    """A session opened and used through Tor exits with the Tor browser."""
    pace = by_loudness(story, Pace(1, 60, 0.6), Pace(2, 18, 0.8), Pace(1, 4, 0.3))
    exits = stage.world.atlas.tor_exits()[number % 5 :: 5]
    person, days, rows = _foreign_login(stage, story, number, pace, TOR_BROWSER, exits)
    return Planted(
        story, number, [person.id], ["tor"],
        "Slack is used through Tor.", days[0], rows, holds_cookie=True,
        extra={"client": TOR_BROWSER},
    )  # fmt: skip


def new_network_login(stage: Stage, story: Story, number: int) -> Planted:
    """Stolen credentials: a new session from a hosting network with an ordinary browser."""
    pace = by_loudness(story, Pace(1, 90, 0.8), Pace(3, 25, 0.8), Pace(5, 6, 0.8))
    agent = stage.browser(story)
    network = stage.world.atlas["hosting5"]
    address = network.v4(70_000 + stage.roll(story, number).randrange(100_000))
    person, days, rows = _foreign_login(stage, story, number, pace, agent, [address])
    return Planted(
        story, number, [person.id],
        by_loudness(story, ["ip_address", "excessive_downloads"], ["ip_address"], ["ip_address"]),
        "Somebody signs in with stolen credentials from a hosting network.",
        days[0], rows, holds_cookie=True, extra={"client": agent, "ip": address},
    )  # fmt: skip


def spoofed_client(stage: Stage, story: Story, number: int) -> Planted:
    """A script that calls itself Slack's desktop app, badly, in the person's own session."""
    roll = stage.roll(story, number)
    pace = by_loudness(story, Pace(1, 150, 0.6), Pace(3, 25, 0.8), Pace(6, 4, 1.0))
    last = stage.last_day(story)
    person = stage.cast(roll, last, pace.days)
    device = desktop_of(person)
    days = stage.workdays(person, last, pace.days)

    def context(second: int) -> str:
        return stage.forged_context(person, device, second, agent=INVALID_DESKTOP)

    return Planted(
        story, number, [person.id], ["spoofed_user_agent", "unexpected_client"],
        "A script poses as Slack's desktop app with an agent that no such app ever had.",
        days[0], lambda: runs(stage, person, number, days, pace, context, roll),
        holds_cookie=True, extra={"client": INVALID_DESKTOP},
    )  # fmt: skip


def slow_exfiltration(stage: Stage, story: Story, number: int) -> Planted:
    """Three weeks of more downloads than usual, by the person, with the usual client."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, 15, low=0.85, high=0.99)
    days = stage.workdays(person, last, 15)
    factor = by_loudness(story, 6.0, 3.0, 1.5)
    usual = stage.usual_downloads(person)

    def rows() -> list[Row]:
        wanted = [max(1, round(usual * factor * roll.uniform(0.5, 1.5))) for _ in days]
        files = stage.files(person, sum(wanted), roll)
        return spread_over_days(stage, person, number, list(zip(days, wanted, strict=True)),
                                 files, roll)  # fmt: skip

    return Planted(
        story, number, [person.id], ["excessive_downloads"],
        f"About {factor:g} times the usual volume of downloads on top, for three weeks.",
        days[0], rows, extra={"factor": factor},
    )  # fmt: skip


def mimic(stage: Stage, story: Story, number: int) -> Planted:
    """Client, network, session, hours and volume of the person: nothing to see, honestly."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, 10, low=0.8, high=0.99)
    days = stage.workdays(person, last, 10)
    usual = stage.usual_downloads(person)
    factor = by_loudness(story, 0.6, 0.4, 0.2)

    def rows() -> list[Row]:
        wanted = [(day, max(1, round(usual * factor))) for day in days]
        files = stage.files(person, sum(count for _, count in wanted), roll)
        return spread_over_days(stage, person, number, wanted, files, roll)

    return Planted(
        story, number, [person.id], [], "A perfect mimic; it is expected to be missed.",
        days[0], rows, expected_missed=True,
    )  # fmt: skip
