"""The words of a finding: whom it is about, and codes as one reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]


def test_an_app_is_no_person(acme: Acme, triaged: Triaged) -> None:
    """What is said of an app's past is said of this app."""
    work = {"app_id": "A0SYNC", "ua": "Sync/1.0", "ip": "203.0.113.5", "session_id": None}
    app = {"entity_type": "app", "entity_id": "A0SYNC", "entity_name": "Sync"}
    rows = [acme.download(f"d{n}", acme.NOON + n, f"f{n}", **work) for n in range(3)]
    rows.append(acme.anomaly("x", acme.NOON + 60, "excessive_downloads", **{**work, **app}))
    (one,) = triaged(acme.usual() + rows)
    assert "this app had not used it in the 30 days before" in one.narrative
    assert "This app had no downloads" in one.narrative
    assert "this person" not in one.narrative.lower()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("no_slack", "its part slack is missing"),
        ("repeated_slack_ssb", "its part slack_ssb comes twice"),
        ("no_platform", "it names no system"),
        ("chrome_electron_mismatch", "its Chrome does not come with its Electron"),
        ("a_code_of_tomorrow", "a_code_of_tomorrow"),
    ],
)
def test_codes_of_evidence_are_said(acme: Acme, triaged: Triaged, code: str, words: str) -> None:
    """A broken rule of the grammar of user agents is told in words, a new one as it is."""
    evidence = {"detector": "spoofed_user_agent", "words": f"it breaks the grammar ({code})"}
    odd = acme.anomaly(
        "x", acme.NOON, "spoofed_user_agent", "unexpected_client", details={"gridtrail": evidence}
    )
    (one,) = triaged([*acme.usual(2), odd])
    assert f"“it breaks the grammar ({words})”" in one.narrative
