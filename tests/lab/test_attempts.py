from __future__ import annotations

from collections.abc import Callable

from gridtrail.lab.attempts import missed, story_lines
from gridtrail.lab.outcome import Outcome

Make = Callable[..., Outcome]


def test_what_became_of_each_attack(made: Make) -> None:
    """Raised, found, of note, rank and expected reasons of each attack, pooled by kind."""
    lines = {one.kind: one for one in story_lines([made(1), made(2)])}
    matt, tor, malware, mimic = (lines[k] for k in ("matt", "tor", "malware", "mimic"))
    assert (matt.tried, matt.raised, matt.found, matt.noted, matt.rank) == (2, 2, 2, 2, 1)
    assert matt.severities == {"critical": 2}
    assert matt.expected == 0.5
    assert (tor.raised, tor.found, tor.noted, tor.rank) == (2, 2, 0, 3)
    assert tor.loudness == "stealthy"
    assert (malware.raised, malware.found, malware.rank, malware.expected) == (0, 0, None, 0.0)
    assert mimic.to_be_missed
    assert (mimic.raised, mimic.expected) == (0, None)
    assert set(lines) == {"matt", "tor", "malware", "mimic"}


def test_misses_are_named(made: Make) -> None:
    """A miss names the seed, the attack, who, and what was said instead; the mimic is none."""
    tor, malware = missed([made(7)])
    assert (tor.seed, tor.what, tor.who) == (7, "tor, stealthy", "W0ANN")
    assert tor.words == "raised, but of low severity; said: tor"
    assert malware.words == "no fitting anomaly; said: ip_address"
