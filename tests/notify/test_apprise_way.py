"""Services that Apprise knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gridtrail.notify.apprise_way import AppriseWay
from gridtrail.notify.message import Kind, Message, told_of
from gridtrail.notify.outcomes import Again, Delivered
from gridtrail.notify.text import Links
from gridtrail.settings_notify import ChannelSettings

Make = Callable[..., Any]

# one of Apprise's services imports what Python is about to drop
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def message(kind: Kind, body: dict[str, Any]) -> Message:
    """A message with this body."""
    return Message("m", 1, "c", kind, "waiting", None, None, (), 0, body, 1, 1, 1, None, "", None)


@pytest.fixture
def way(tmp_path: Path) -> Callable[[str], AppriseWay]:
    """A way to an address of Apprise."""

    def make(url: str) -> AppriseWay:
        channel = ChannelSettings(name="pager", kind="apprise", url=SecretStr(url))
        return AppriseWay(channel, tmp_path, Links("https://g.example", "E0ACME"))

    return make


def test_a_finding_is_told_in_plain_text(way: Make, far: Any, finding: Make) -> None:
    """A service gets title, facts, the beginning of the story and the link; a refusal is tried
    again, and so is an address that Apprise does not know."""
    url = far.url.replace("http://", "json://")
    told = told_of(finding(1, title="@everyone <b>"), None, whole=False)
    one = message("created", {"findings": [told], "news": {"F0001": "created"}})
    assert way(url).send(one) == Delivered()
    given = far.got[0].json
    assert given["title"] == "HIGH: (at)everyone ‹b›"
    assert "Who: W0MATT" in given["message"]
    assert given["message"].endswith("https://g.example/findings/F0001")
    far.moods = ["500"]
    failed = way(url).send(one)
    assert isinstance(failed, Again)
    assert "error=500" in failed.why
    unknown = way("nothing-such://x").send(one)
    assert unknown == Again("Apprise does not know such an address: correct url.")


def test_several_and_a_digest_are_short(way: Make, far: Any, finding: Make) -> None:
    """Ten of several are named, the others counted; a digest is its lines."""
    url = far.url.replace("http://", "json://")
    many = [told_of(finding(n), None, whole=False) for n in range(1, 14)]
    assert way(url).send(message("several", {"findings": many, "news": {}})) == Delivered()
    lines = far.got[0].json["message"].split("\n")
    assert len(lines) == 12
    assert lines[10] == "And 3 more findings."
    body = {"title": "The day", "lines": ["One.", "Two."]}
    assert way(url).send(message("digest", body)) == Delivered()
    assert far.got[1].json["message"] == "One.\nTwo.\nhttps://g.example/findings"
