"""Every other detector, from the first on, passes the battery; the rest is in
`test_checks_of_others`, so that two processes share the work."""

from __future__ import annotations

import pytest

from gridtrail.detect.checks import CHECKS, Bench
from gridtrail.detectors import all_detectors

DETECTORS = all_detectors()[0::2]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(
    "bench", DETECTORS, ids=[one.name for one in DETECTORS], indirect=True, scope="module"
)
def test_check(bench: Bench, name: str) -> None:
    """The detector passes this check of the battery."""
    assert list(CHECKS[name](bench)) == []
