"""Roles permit what the design says."""

from __future__ import annotations

import itertools

from gridtrail.server import roles


def test_each_role_may_do_what_the_one_below_it_may() -> None:
    """Owner > admin > audit logs admin > viewer, each with more of its own."""
    ordered = ["viewer", "audit_logs_admin", "admin", "owner"]
    for lower, higher in itertools.pairwise(ordered):
        assert roles.ROLES[lower] < roles.ROLES[higher]
    assert list(roles.TITLES) == list(roles.ROLES)


def test_a_viewer_reads_findings_and_no_logs() -> None:
    """Raw logs, exports and verdicts are not for viewers."""
    assert roles.permits("viewer", roles.READ_FINDINGS)
    for permission in (roles.READ_LOGS, roles.EXPORT, roles.DECIDE, roles.PEOPLE):
        assert not roles.permits("viewer", permission)


def test_an_unknown_role_may_do_nothing_but_sign_in() -> None:
    """A role that is in no table permits only what is open."""
    assert roles.permits("root", roles.OPEN)
    assert not roles.permits("root", roles.SIGNED_IN)
