from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.sandbox.event_text import Fields
from gridtrail.sandbox.networks import Atlas
from gridtrail.sandbox.slack_detection import (
    DOWNLOADS,
    WARM_UP,
    AllowList,
    Detection,
    Flagged,
    Whereabouts,
)

ATLAS = Atlas()
LATER = WARM_UP + 1
AGENT = "Mozilla\\/5.0 (Windows NT 10.0; Win64; x64) Chrome\\/141.0.0.0 Safari\\/537.36"


def used(action: str, network: str, place: int = 9, session: int | None = 77) -> Fields:
    return Fields(action, "W0A", "", AGENT, ATLAS[network].v4(place), session)


@given(st.ip_addresses(v=4).map(str), st.ip_addresses(v=4).map(str), st.integers(0, 32))
def test_the_allow_list_holds_ranges(address: str, base: str, bits: int) -> None:
    """An address is trusted when it is in a range, whatever host bits that was written with."""
    allowed = AllowList()
    allowed.write([f"{base}/{bits}"], [])
    network = ipaddress.IPv4Network(f"{base}/{bits}", strict=False)
    assert allowed.covers(address, None) == (ipaddress.IPv4Address(address) in network)
    assert allowed.cidrs == [str(network)]
    assert not allowed.covers("2001:db8::1", None)
    assert not allowed.covers("", None)


def test_a_bad_range_changes_nothing() -> None:
    """Either all is written or nothing."""
    allowed = AllowList()
    allowed.write(["192.0.2.0/24"], [5])
    with pytest.raises(ValueError, match="nonsense"):
        allowed.write(["198.51.100.0/24", "nonsense"], [])
    assert allowed.covers("192.0.2.9", None)
    assert allowed.covers("8.8.8.8", 5)
    assert not allowed.covers("198.51.100.9", None)


def test_every_address_of_the_world_has_its_network() -> None:
    """First, last and IPv6 addresses are found, others are nobody's."""
    where = Whereabouts(ATLAS)
    for network in ATLAS.networks.values():
        for place in (1, network.size - 2):
            assert where.network(network.v4(place)) is network
        if network.six is not None:
            assert where.network(network.v6(4, 9)) is network
    assert where.network("198.18.0.1") is None
    assert where.network("") is None


def looked(*uses: tuple[int, Fields]) -> list[Flagged]:
    detection = Detection(ATLAS, 1, 0)
    return [flagged for second, fields in uses for flagged in detection.look(second, fields)]


def test_apps_and_homes_are_not_flagged() -> None:
    """No session, no anomaly; nor for a home network or one that many use."""
    assert looked((LATER, used("file_downloaded", "hosting6", session=None))) == []
    assert looked((LATER, used("file_downloaded", "home_leeds0"))) == []
    assert looked((5, used("file_downloaded", "hosting6"))) == []


def test_an_odd_network_is_told_with_what_was_before() -> None:
    """A hosting network is flagged once, with the session's last other address."""
    home = used("file_downloaded", "home_leeds0")
    (found,) = looked((5, home), (LATER, used("file_downloaded", "hosting6", 300)),
                      (LATER + 1, used("file_downloaded", "hosting6", 301)))  # fmt: skip
    assert found.reasons == ("ip_address",)
    assert found.details["previous_ip_address"] == home.address
    assert found.details["ip_address_details"] == ["new-asn", "cloud-asn"]


def test_downloads_are_counted_by_the_hour() -> None:
    """So many within an hour are too many; the same number over two hours is not."""
    fields = used("file_downloaded", "home_leeds0")
    fast = [(LATER + step * 30, fields) for step in range(DOWNLOADS)]
    slow = [(LATER + step * 110, fields) for step in range(DOWNLOADS)]
    assert [found.reasons for found in looked(*fast)] == [("excessive_downloads",)]
    assert looked(*fast[:-1]) == []
    assert looked(*slow) == []
