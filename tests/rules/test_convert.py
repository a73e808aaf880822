"""Rules in the words of other systems."""

from __future__ import annotations

import pytest

from gridtrail.errors import WrongUse
from gridtrail.rules.convert import backends, convert
from gridtrail.rules.folder import PACK, RuleFolders

RULES = RuleFolders([PACK]).current()


def test_our_own_backend_says_a_rule_in_sql() -> None:
    """The condition over the lake's events."""
    (sql,) = convert(RULES, RULES["slack_narrow_export_downloaded"], "gridtrail")
    assert sql.startswith('e."action" IN (')


def test_a_backend_that_is_not_there_is_named() -> None:
    """With those that are, and what to install."""
    assert "gridtrail" in backends()
    with pytest.raises(WrongUse, match="pip install pysigma-backend-nowhere"):
        convert(RULES, RULES["slack_manual_export_downloaded"], "nowhere")


def test_what_a_backend_cannot_say_is_told() -> None:
    """Correlations are ours to run, not to write as one condition."""
    with pytest.raises(WrongUse, match="cannot say slack_mass_session_reset"):
        convert(RULES, RULES["slack_mass_session_reset"], "gridtrail")
