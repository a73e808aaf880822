"""Which stored finding a group of anomalies is."""

from __future__ import annotations

from gridtrail.triage.identity import Claim, Known, Owners, claims


def owners(**holders: str) -> Owners:
    """Anomaly -> finding; a finding's first_seen is its number: F1 is older than F2."""
    known = {name: Known(name, int(name[1:]), None) for name in holders.values()}
    return Owners(holders, known)


def test_new_anomalies_are_a_new_finding() -> None:
    """Nothing stored: the derived id is the id."""
    assert claims([("Fx", ["a"])], owners()) == [Claim("Fx", ())]


def test_a_grown_group_keeps_its_id() -> None:
    """A group is known by any of its anomalies, although its derived id changed."""
    assert claims([("Fx", ["new", "a"])], owners(a="F1")) == [Claim("F1", ())]


def test_a_merge_keeps_the_oldest() -> None:
    """Of several stored findings in one group the oldest stays and the others are absorbed."""
    assert claims([("Fx", ["a", "b"])], owners(a="F2", b="F1")) == [Claim("F1", ("F2",))]


def test_a_finding_that_falls_apart_is_taken_once() -> None:
    """The earliest part keeps the id; a later part is new, even if its derived id was known."""
    assert claims([("Fx", ["a"]), ("F1", ["b"])], owners(a="F1", b="F1")) == [
        Claim("F1", ()),
        Claim("F1-2", (), "F1"),
    ]


def test_what_another_group_took_is_not_absorbed() -> None:
    """A stored finding whose anomalies are now in two groups lives on in one and only there."""
    found = claims([("Fx", ["a", "b"]), ("Fy", ["c"])], owners(a="F1", b="F2", c="F2"))
    assert found == [Claim("F1", ()), Claim("F2", ())]
