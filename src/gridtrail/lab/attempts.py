"""Planted attacks and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from gridtrail.lab.fitting import fits
from gridtrail.lab.intervals import Interval, wilson
from gridtrail.lab.organizations import LOUDNESSES
from gridtrail.lab.outcome import Found, Outcome, Said, ToldStory
from gridtrail.lab.wrong import NOTED, Wrong
from gridtrail.triage.finding import SEVERITIES


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One attack in one loudness, over all organizations that had it.

    `raised`: a fitting anomaly; `found`: in a finding; `noted`: in one of medium and above.
    `severities` counts the worst finding of each, `rank` is its median place among all findings
    of its organization. `expected` is the share of the reasons that the truth names.
    """

    kind: str
    loudness: str
    tried: int
    raised: int
    raised_interval: Interval
    found: int
    noted: int
    noted_interval: Interval
    severities: dict[str, int]
    rank: float | None
    expected: float | None
    to_be_missed: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A planted attack and what became of it; `rank` counts from 1."""

    outcome: Outcome
    place: int
    story: ToldStory
    said: list[Said]
    finding: Found | None
    rank: int | None

    @property
    def raised(self) -> bool:
        """Whether a fitting reason was given."""
        return any(fits(self.story.kind, one.reasons) for one in self.said)

    @property
    def found(self) -> bool:
        """Whether it was raised and stands in a finding."""
        return self.raised and self.finding is not None

    @property
    def noted(self) -> bool:
        """Whether that finding is of medium severity or above."""
        return self.found and self.finding is not None and self.finding.severity in NOTED


def attempts(outcome: Outcome) -> list[Attempt]:
    """The attacks of one organization that left any event."""
    found = []
    for place, story in enumerate(outcome.stories):
        if story.harmless or not story.events:
            continue
        said = [one for one in outcome.anomalies if one.story == place]
        fitting = {one.id for one in said if fits(story.kind, one.reasons)}
        ranks = [
            rank for rank, one in enumerate(outcome.findings) if fitting.intersection(one.anomalies)
        ]
        best = min(ranks, default=None)
        finding = None if best is None else outcome.findings[best]
        rank = None if best is None else best + 1
        found.append(Attempt(outcome, place, story, said, finding, rank))
    return found


def _by_kind(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], list[Attempt]]:
    lines: dict[tuple[str, str], list[Attempt]] = {}
    for one in (a for outcome in outcomes for a in attempts(outcome)):
        lines.setdefault((one.story.kind, one.story.loudness), []).append(one)
    return dict(sorted(lines.items(), key=lambda pair: kind_order(*pair[0])))


def kind_order(kind: str, loudness: str) -> tuple[str, int]:
    """Key that puts kinds in order of the alphabet, and each loudest first."""
    return kind, [str(word) for word in LOUDNESSES].index(loudness)


def story_lines(outcomes: Iterable[Outcome]) -> list[StoryLine]:
    """A line for each kind of attack and loudness."""
    return [_story_line(*key, tried) for key, tried in _by_kind(outcomes).items()]


def _story_line(kind: str, loudness: str, tried: Sequence[Attempt]) -> StoryLine:
    raised, noted = (sum(getattr(one, name) for one in tried) for name in ("raised", "noted"))
    severities = Counter(one.finding.severity for one in tried if one.found and one.finding)
    ranks = [one.rank for one in tried if one.rank is not None]
    return StoryLine(
        kind=kind,
        loudness=loudness,
        tried=len(tried),
        raised=raised,
        raised_interval=wilson(raised, len(tried)),
        found=sum(one.found for one in tried),
        noted=noted,
        noted_interval=wilson(noted, len(tried)),
        severities={word: severities[word] for word in reversed(SEVERITIES) if severities[word]},
        rank=median(ranks) if ranks else None,
        expected=_expected(tried),
        to_be_missed=any(one.story.expected_missed for one in tried),
    )


def _expected(tried: Sequence[Attempt]) -> float | None:
    wanted = given = 0
    for one in tried:
        reasons = {reason for said in one.said for reason in said.reasons}
        wanted += len(one.story.expected_reasons)
        given += len(reasons.intersection(one.story.expected_reasons))
    return given / wanted if wanted else None


def missed(outcomes: Iterable[Outcome]) -> list[Wrong]:
    """Attacks that made no finding of note, but for those that are expected to be missed."""
    return [
        Wrong(
            one.outcome.seed,
            f"{one.story.kind}, {one.story.loudness}",
            ", ".join(one.story.actors),
            f"{'raised, but of low severity' if one.raised else 'no fitting anomaly'}; said: "
            + (", ".join(sorted({r for said in one.said for r in said.reasons})) or "nothing"),
        )
        for outcome in outcomes
        for one in attempts(outcome)
        if not one.noted and not one.story.expected_missed
    ]
