"""What is said on stderr."""

from __future__ import annotations

import pytest

from gridtrail.cli.talk import Progress, complain, next_step, progress, say

Capture = pytest.CaptureFixture[str]


def test_talk_goes_to_stderr_and_is_safe(capfd: Capture) -> None:
    """A sentence stays one plain line, whatever a stranger wrote into it."""
    say("about \x1b[31m[red]x\n\u202e")
    complain("it broke\r")
    next_step("gridtrail findings", "lists them")
    written = capfd.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        "about \\x1b[31m[red]x\\n\\u202e",
        "gridtrail: it broke\\r",
        "Next: gridtrail findings   # lists them",
    ]


def test_progress_says_how_far_and_how_fast() -> None:
    """A line of progress has the share, the count and the rate."""
    lines: list[str] = []
    steps = Progress("Reading", "event", lines.append, every=0)
    steps.step(50, 0.25, note="a.json")
    assert lines[0].startswith("Reading  25 %  50 events  ")
    assert lines[0].endswith("/s  a.json")


@pytest.mark.parametrize(("share", "full"), [(0.0, 0), (0.5, 12), (1.0, 24), (7.0, 24)])
def test_bar(share: float, full: int) -> None:
    """The bar is as full as the work is done, and always as long."""
    lines: list[str] = []
    Progress("Reading", "event", lines.append, every=0, bar=True).step(1, share)
    assert (lines[0].count("━"), lines[0].count("╌")) == (full, 24 - full)


def test_progress_is_quiet_between_two_lines() -> None:
    """Many quick steps make no flood of lines."""
    lines: list[str] = []
    steps = Progress("Reading", "event", lines.append, every=3600)
    for done in range(1000):
        steps.step(done)
    assert lines == []


def test_progress_without_a_terminal_is_plain(capfd: Capture) -> None:
    """In a log file there are no control characters and no live line."""
    with progress("Reading", "event") as steps:
        steps.step(1)
    assert capfd.readouterr().err == ""
