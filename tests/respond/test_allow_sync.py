"""The allow list here and Slack's, made alike in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gridtrail.errors import RetryLater, Stop, WrongUse
from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.respond.allow_sync import Difference, difference, pull, push
from gridtrail.respond.slack_admin import SlackAdmin
from gridtrail.sandbox.slack_state import CallFaults

NOW = 1_795_000_000
UPDATE = "admin.audit.anomaly.allow.updateItem"


class Sides:
    """The list here and Slack's."""

    def __init__(self, far: Any, kept: AllowList, clock: list[int]) -> None:
        self.far, self.kept, self.clock = far, kept, clock
        self.slack = SlackAdmin(far.settings(), sleep=far.waits.append)

    def add(self, **more: Any) -> str:
        """Allow something here; its id."""
        now = self.clock[0]
        given: dict[str, Any] = {"owner": "ann", "reason": "ours", "now": now, "since": now}
        one, _ = draft(**given | more)
        return self.kept.add(one).id

    def differ(self) -> Difference:
        """What differs now."""
        return difference(self.slack.allowed(), self.kept.all(), self.clock[0])

    def push(self) -> None:
        """Look, then push."""
        push(self.slack, self.kept, self.differ(), now=self.clock[0])

    def pull(self) -> None:
        """Look, then pull."""
        pull(self.slack, self.kept, self.differ(), by="bob", now=self.clock[0])

    def there(self) -> tuple[list[str], list[int]]:
        """Slack's list."""
        allowed = self.far.state.organization.detection.allowed
        return list(allowed.cidrs), list(allowed.asns)

    def write_there(self, cidrs: list[str], asns: list[int]) -> None:
        """What somebody else writes in Slack."""
        self.far.state.organization.detection.allowed.write(cidrs, asns)

    def here(self) -> list[str]:
        """What holds here, in words."""
        return [o.words for o in self.kept.all() if o.state(self.clock[0]) == "active"]


@pytest.fixture
def sides(far: Any, tmp_path: Path) -> Iterator[Sides]:
    """Both empty."""
    clock = [NOW]
    with AllowList(tmp_path / "state.db", clock=lambda: clock[0]) as kept:
        yield Sides(far, kept, clock)


def test_each_side_gets_what_the_other_has(sides: Sides) -> None:
    """Push keeps what others wrote, pull brings it here; then they are alike."""
    sides.write_there(["198.51.100.0/24"], [64510])
    sides.add(cidr="192.0.2.0/24")
    sides.add(asn=64500)
    for only_here in ({"cidr": "2001:db8::/32"}, {"asn": 64501, "user": "W0MATT0001"}):
        sides.add(**only_here)
    sides.push()
    assert sides.there() == (["198.51.100.0/24", "192.0.2.0/24"], [64510, 64500])
    sides.pull()
    assert {"cidr 198.51.100.0/24", "asn 64510"} <= set(sides.here())
    left = sides.differ()
    assert (left.to_here, left.to_slack, left.off_here, left.off_slack) == ((), (), (), ())
    assert (len(left.alike), len(left.only_here)) == (4, 2)


def test_what_ends_on_one_side_ends_on_the_other(sides: Sides) -> None:
    """Removed or expired here: push takes it away there. Gone there: pull ends it here."""
    removed = sides.add(asn=64500)
    sides.add(asn=64501, expires_at=NOW + 50)
    sides.add(asn=64502)
    sides.push()
    sides.kept.remove(removed, "ann")
    sides.clock[0] += 60
    sides.push()
    assert sides.there() == ([], [64502])
    sides.write_there([], [])
    sides.push()
    assert sides.there() == ([], [])
    sides.pull()
    assert sides.here() == []


def test_nothing_is_taken_away_that_was_never_ours(sides: Sides) -> None:
    """What ended here and was then written in Slack by somebody stays there, and comes back."""
    ended = sides.add(asn=64500)
    sides.kept.remove(ended, "ann")
    sides.write_there([], [64500])
    sides.clock[0] += 1
    sides.push()
    assert sides.there() == ([], [64500])
    sides.pull()
    assert sides.here() == ["asn 64500"]


def test_a_change_since_the_look_stops_it(sides: Sides) -> None:
    """Slack's list is read right before writing: what is not as it was shown is not overwritten."""
    sides.add(asn=64500)
    shown = sides.differ()
    sides.write_there([], [64999])
    for act in (
        lambda: push(sides.slack, sides.kept, shown, now=NOW),
        lambda: pull(sides.slack, sides.kept, shown, by="bob", now=NOW),
    ):
        with pytest.raises(WrongUse, match="changed meanwhile"):
            act()
    assert sides.there() == ([], [64999])
    assert sides.far.calls[UPDATE] == 0


def only(*names: str) -> Any:
    """A Slack that knows keys of these names alone."""

    def rewrite(method: str, body: bytes) -> bytes:
        if method != UPDATE:
            return body
        return orjson.dumps({k: v for k, v in orjson.loads(body).items() if k in names})

    return rewrite


def test_the_other_spelling_is_tried(sides: Sides) -> None:
    """A Slack that takes only the other keys gets them."""
    sides.add(cidr="192.0.2.0/24")
    sides.add(asn=64500)
    sides.far.rewrite = only("trusted_cidrs", "trusted_asn")
    sides.push()
    assert sides.there() == (["192.0.2.0/24"], [64500])
    assert sides.far.calls[UPDATE] == 2


def test_half_a_list_is_put_back(sides: Sides) -> None:
    """When Slack keeps only a part, its list is restored and nothing is noted as pushed."""
    sides.write_there(["198.51.100.0/24"], [])
    sides.add(asn=64500)
    sides.add(cidr="192.0.2.0/24")
    sides.far.rewrite = only("trusted_cidr", "trusted_cidrs")
    with pytest.raises(RetryLater, match="put back"):
        sides.push()
    assert sides.there() == (["198.51.100.0/24"], [])
    assert len(sides.differ().to_slack) == 2


def test_a_cut_or_failing_write_is_read_back(sides: Sides) -> None:
    """A cut after Slack wrote is a success; a failing Slack leaves all as it was."""
    sides.add(asn=64500)

    def cut(method: str, body: bytes) -> bytes:
        sides.far.cut = int(method == UPDATE)
        return body

    sides.far.rewrite = cut
    sides.push()
    assert sides.there() == ([], [64500])
    sides.far.rewrite = None
    sides.add(asn=64501)
    shown = sides.differ()

    def fail(method: str, body: bytes) -> bytes:
        if method == UPDATE:
            sides.far.state.faults = CallFaults(fail=1, status=500)
        return body

    sides.far.rewrite = fail
    with pytest.raises(RetryLater, match="HTTP 500"):
        push(sides.slack, sides.kept, shown, now=NOW)
    assert sides.there() == ([], [64500])


def test_a_writer_at_the_same_moment_is_not_overwritten(sides: Sides) -> None:
    """What somebody wrote between our writing and reading back stays, and a person looks."""
    sides.add(asn=64500)
    seen = []

    def race(method: str, body: bytes) -> bytes:
        seen.append(method)
        if method.endswith("getItem") and UPDATE in seen:
            sides.write_there([], [64999])
        return body

    shown = sides.differ()
    sides.far.rewrite = race
    with pytest.raises(Stop, match="Somebody else"):
        push(sides.slack, sides.kept, shown, now=NOW)
    assert sides.there() == ([], [64999])


def test_what_is_for_another_organization_has_no_place_there(sides: Sides) -> None:
    """Slack's list is one organization's; what is pulled from it is for that one alone."""
    sides.add(asn=64500, org="E0OTHER")
    sides.add(asn=64501, org="E0ACME")
    sides.add(asn=64502)
    sides.write_there(["192.0.2.0/24"], [64500])

    def differ() -> Difference:
        return difference(sides.slack.allowed(), sides.kept.all(), NOW, "E0ACME")

    assert {one.asn for one in differ().to_slack} == {64501, 64502}
    pull(sides.slack, sides.kept, differ(), by="bob", now=NOW)
    push(sides.slack, sides.kept, differ(), now=NOW)
    cidrs, asns = sides.there()
    assert (cidrs, sorted(asns)) == (["192.0.2.0/24"], [64500, 64501, 64502])
    assert "asn 64500 in E0ACME" in sides.here()
    assert "cidr 192.0.2.0/24 in E0ACME" in sides.here()
