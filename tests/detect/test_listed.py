"""Detectors of lists: what they say of an entry's times, and when they are blind."""

from __future__ import annotations

import datetime as dt

import pytest

from gridtrail.detect import stage
from gridtrail.detect.blindness import detector_states
from gridtrail.detect.listed import clean, span
from gridtrail.detect.state import Decided, Progress
from gridtrail.detectors.asn import DETECTOR as ASN
from gridtrail.detectors.tor import DETECTOR as TOR
from gridtrail.enrich.address_lists import FOREVER
from gridtrail.enrich.addresses import AddressBook
from gridtrail.settings import EnrichSettings, Settings

JANUARY, FEBRUARY = 1_767_225_600, 1_769_904_000


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, None, "listed without times"),
        (0, 0, "listed without times"),
        (0, FOREVER, "listed without times"),
        (JANUARY, FOREVER, "listed from 2026-01-01"),
        (0, FEBRUARY, "listed to 2026-02-01"),
        (JANUARY, FEBRUARY, "listed from 2026-01-01 to 2026-02-01"),
        (FOREVER - 1, FOREVER, f"listed from {FOREVER - 1}"),
    ],
)
def test_times_of_an_entry_in_words(start: int | None, end: int | None, words: str) -> None:
    """Days where there are any; a year that no calendar has stays a number."""
    assert span(start, end) == words


def test_an_address_in_a_sentence_is_plain() -> None:
    """What an event calls its address may be anything: it is cut and printable."""
    assert clean("1.2.3.4\x1b[31m\n" + "x" * 99) == "1.2.3.4[31m" + "x" * 69
    assert clean(None) == ""


def test_without_a_list_they_are_blind(settings: Settings) -> None:
    """A detector whose list is not named or holds nothing says so, and which setting it is."""
    day = dt.date(2026, 11, 18)
    decided = Decided(rows=1, to=stage.second_of(1), waiting=False, inputs=frozenset({"ip"}))
    progress = Progress(days={day: decided})

    def states(enrich: EnrichSettings) -> list[tuple[str, str]]:
        lists = AddressBook(enrich).lists
        found = detector_states(progress, [ASN, TOR], stage.second_of(1), lists)
        return [(state.state, state.why) for state in found]

    assert states(settings.enrich) == [("working", ""), ("working", "")]
    assert states(EnrichSettings(packaged_asn=False)) == [
        ("blind", "the setting enrich.suspicious_asn_lists names no list"),
        ("blind", "the setting enrich.tor_lists names no list"),
    ]
