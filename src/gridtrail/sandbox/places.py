"""Where people are, and the address their device has there.

The address is a function of person, device and second alone (no state), so that stories and life
agree about it. Homes get a new lease now and then, carriers shuffle their customers, half of the
homes and some carriers speak IPv6, two people in a hundred travel in a week.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridtrail.sandbox.chance import dice, mix, stream
from gridtrail.sandbox.clock import DAY, HOUR, weekday
from gridtrail.sandbox.networks import REGIONS, Atlas, Network, carrier_address
from gridtrail.sandbox.people import Device, Person

OFF, OFFICE, HOME, TRIP = range(4)
_DEVICE_NUMBERS = {"desktop": 1, "phone": 2, "browser": 3}


@dataclass(frozen=True, slots=True)
class Place:
    """An address, the network it belongs to, and the story that put the person there (or -1)."""

    ip: str
    network: str
    tag: int = -1


@dataclass(frozen=True, slots=True)
class Trip:
    """Days (since the epoch, `last` included) somewhere else; `network` is the Wi-Fi there."""

    first: int
    last: int
    region: str
    network: str
    tag: int = -1


@dataclass(slots=True)
class Base:
    """Where a person's connections come from: home line, leases, carrier, trips."""

    home: Network
    six: bool
    lease_moments: list[int]
    carrier: Network
    office: Network | None
    trips: list[Trip] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Migration:
    """The day on which everybody's computer begins to go through the new gateway."""

    at: int
    tag: int


class Places:
    """The whereabouts of everybody for `days` days from `first` (days since the epoch)."""

    def __init__(
        self, seed: int, atlas: Atlas, people: list[Person], first: int, days: int, office: float
    ) -> None:
        self.atlas = atlas
        self.migration: Migration | None = None
        self._first = first
        self._modes = self._draw_modes(seed, people, days, office)
        self.bases = [self._base(seed, person, first, days) for person in people]
        for person, base in zip(people, self.bases, strict=True):
            if person.company is None and person.number > 0:
                self._add_trips(seed, person, base, first, days)

    def mode(self, person: Person, day: int) -> int:
        """OFF, OFFICE, HOME or TRIP on that day (days since the epoch)."""
        row = min(max(day - self._first, 0), self._modes.shape[1] - 1)
        return int(self._modes[person.number, row])

    def presence(self, day: int) -> NDArray[np.float64]:
        """1.0 for people who work that day, 0.0 for those who are off."""
        row = min(max(day - self._first, 0), self._modes.shape[1] - 1)
        present: NDArray[np.float64] = (self._modes[:, row] != OFF).astype(np.float64)
        return present

    def send(self, person: Person, trip: Trip) -> None:
        """Put a trip into the person's calendar, over whatever stood there."""
        self.bases[person.number].trips.insert(0, trip)
        low, high = max(trip.first - self._first, 0), trip.last - self._first + 1
        self._modes[person.number, low : max(high, 0)] = TRIP

    def address(self, person: Person, device: Device, second: int) -> Place:
        """The address of `device` at `second`, for any mode (an absent person is at home)."""
        zone = REGIONS[person.region].zone
        local = second + zone.offset_on(second // DAY)
        day = local // DAY
        base = self.bases[person.number]
        chance = mix(person.seed, _DEVICE_NUMBERS[device.kind], second // 2_700) / 2**64
        if device.pinned_network is not None:
            network = self.atlas[device.pinned_network]
            number = 3 + mix(person.seed, second // 7_200) % 4
            return Place(network.v4(number), network.key, device.pinned_tag)
        if self.migration and second >= self.migration.at and device.kind != "phone":
            fresh = second < self.migration.at + 2 * DAY
            return Place(
                self.atlas["vpn_new"].v4(4 + mix(person.seed, day) % 8),
                "vpn_new",
                self.migration.tag if fresh else -1,
            )
        if device.relay and chance < 0.5:
            relay = self.atlas["relay"]
            return Place(relay.v4(mix(person.seed, day, 5)), relay.key)
        mode = self.mode(person, day)
        if mode == TRIP:
            return self._abroad(person, base, device, second, day, chance)
        hour = local % DAY / HOUR
        if mode == OFFICE and base.office is not None and 8.4 < hour < 18.2:
            return self._office(person, base, device, second, chance)
        return self._home(person, base, device, second, chance)

    def _office(
        self, person: Person, base: Base, device: Device, second: int, chance: float
    ) -> Place:
        if device.kind == "phone" and chance < 0.45:
            return self._carrier(person, base, second)
        office = base.office
        assert office is not None  # noqa: S101 - the caller looked
        if office.six is not None and mix(person.seed, second // DAY, 8) % 10 < 4:
            host = mix(person.seed, second // DAY, 9)
            return Place(office.v6(person.number % 3, host), office.key)
        return Place(office.v4(1 + person.number % 3), office.key)

    def _home(
        self, person: Person, base: Base, device: Device, second: int, chance: float
    ) -> Place:
        if device.kind == "phone" and chance < 0.5:
            return self._carrier(person, base, second)
        tunnel = mix(person.seed, second // (4 * HOUR), 71) / 2**64  # on or off for hours
        if device.kind == "desktop" and tunnel < person.vpn:
            gateway = self.atlas["vpn_old"]
            return Place(gateway.v4(5 + mix(person.seed, second // DAY) % 3), gateway.key)
        if base.six and chance * 1_000 % 10 < 6:
            site = mix(person.seed, self._lease(base, second), 61)
            host = mix(person.seed, _DEVICE_NUMBERS[device.kind], second // DAY)
            return Place(base.home.v6(site, host), base.home.key)
        return Place(base.home.v4(mix(person.seed, self._lease(base, second), 41)), base.home.key)

    def _abroad(
        self, person: Person, base: Base, device: Device, second: int, day: int, chance: float
    ) -> Place:
        trip = next((trip for trip in base.trips if trip.first <= day <= trip.last), None)
        if trip is None:
            return self._home(person, base, device, second, chance)
        if device.kind == "phone" and chance < 0.6:
            carrier = self.atlas[f"mobile_{trip.region}1"]
            address = carrier_address(carrier, person.seed, second, six=False)
            return Place(address, carrier.key, trip.tag)
        hotel = self.atlas[trip.network]
        spread = 3 if trip.tag >= 0 else 1_500  # a conference shares few addresses
        number = 4 + mix(trip.first, second // DAY * (trip.tag < 0), person.seed % 7) % spread
        return Place(hotel.v4(number), hotel.key, trip.tag)

    def _carrier(self, person: Person, base: Base, second: int) -> Place:
        six = base.carrier.six is not None and mix(person.seed, second // 10_800, 66) % 10 < 6
        return Place(carrier_address(base.carrier, person.seed, second, six=six), base.carrier.key)

    @staticmethod
    def _lease(base: Base, second: int) -> int:
        return bisect_right(base.lease_moments, second)

    def _draw_modes(
        self, seed: int, people: list[Person], days: int, office: float
    ) -> NDArray[np.int8]:
        rng = stream(seed, "places")
        count = len(people)
        lean = np.clip(rng.beta(2.0, 2.0, (count, 1)) * 0.6 + office - 0.3, 0, 1)
        modes = np.where(rng.random((count, days)) < lean, OFFICE, HOME).astype(np.int8)
        weekends = [weekday(self._first + day) >= 5 for day in range(days)]
        modes[:, weekends] = HOME
        modes[rng.random((count, days)) < 0.025] = OFF
        for number in np.nonzero(rng.random(count) < min(0.9, days / 110))[0]:
            begin = int(rng.integers(0, days))
            modes[number, begin : begin + int(rng.integers(3, 12))] = OFF
        for person in people:
            if person.number == 0:  # Matt is always there: his story may be planted on any day
                modes[0, modes[0] == OFF] = HOME
            if person.joined is not None:
                modes[person.number, : max(person.joined - self._first, 0)] = OFF
            if person.left is not None:
                modes[person.number, max(person.left - self._first + 1, 0) :] = OFF
        return modes

    def _base(self, seed: int, person: Person, first: int, days: int) -> Base:
        roll = dice(seed, "base", person.number)
        home = self.atlas[f"home_{person.region}{roll.choices((0, 1, 2), (5, 3, 2))[0]}"]
        if person.company is not None:
            home = self.atlas[f"partner_{person.region}"]
        leases, at = [], first * DAY
        while at < (first + days) * DAY:
            at += int(roll.expovariate(1 / 26) * DAY) + 3 * HOUR
            leases.append(at)
        office = None if person.company else self.atlas.networks[f"office_{person.region}"]
        carrier = self.atlas[f"mobile_{person.region}{int(roll.random() < 0.4)}"]
        six = home.six is not None and roll.random() < 0.55
        return Base(home, six, leases, carrier, office)

    def _add_trips(self, seed: int, person: Person, base: Base, first: int, days: int) -> None:
        roll = dice(seed, "trips", person.number)
        for week in range(days // 7):
            if roll.random() < 0.02:
                region = roll.choice([key for key in REGIONS if key != person.region])
                begin = first + week * 7 + roll.randrange(5)
                trip = Trip(begin, begin + roll.randint(1, 5), region, f"hotel_{region}")
                row = begin - first
                if (self._modes[person.number, row : row + 6] != OFF).all():
                    self.send(person, trip)
