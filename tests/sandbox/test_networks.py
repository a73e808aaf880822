from __future__ import annotations

import ipaddress
import itertools

from gridtrail.sandbox.networks import Atlas, carrier_address


def test_blocks_are_ordinary_and_never_overlap() -> None:
    """All blocks are global unicast space, and each address has one holder."""
    rows = [line.split("\t") for line in Atlas().tsv()]
    spans = [(ipaddress.ip_address(row[0]), ipaddress.ip_address(row[1])) for row in rows]
    for version in (4, 6):
        mine = sorted((int(first), int(last)) for first, last in spans if first.version == version)
        assert mine
        assert all(first <= last for first, last in mine)
        assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(mine))
    assert all(first.is_global and last.is_global for first, last in spans)
    assert all(4_200_000_000 <= int(row[2]) <= 4_294_967_294 for row in rows)


def test_an_address_lies_in_its_network() -> None:
    """Whatever the number, the address lies in the block and is no network or broadcast one."""
    for network in Atlas().networks.values():
        blocks = [ipaddress.ip_network(block) for block in Atlas.cidrs_of(network)]
        for number in (0, 1, 254, 255, 256, 99_999_999):
            address = ipaddress.IPv4Address(network.v4(number))
            assert address in blocks[0]
            assert int(address) & 255 not in (0, 255)
        if network.six is not None:
            assert ipaddress.IPv6Address(network.v6(2**40 + 1, 2**70 + 5)) in blocks[1]


def test_carriers_shuffle_their_customers() -> None:
    """A phone keeps its address for an hour, changes its /24 within days and stays in few pools."""
    network = Atlas()["mobile_chicago1"]
    times = range(0, 40 * 86_400, 3_600)
    addresses = [carrier_address(network, 12, second, six=False) for second in times]
    prefixes = {address.rsplit(".", 1)[0] for address in addresses}
    assert addresses[0] == addresses[1]
    assert 10 <= len(prefixes) <= 24
