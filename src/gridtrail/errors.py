"""Gridtrail's errors, grouped by what the caller should do.

    GridtrailError
    ├── SkipRecord        one record is bad: quarantine it and go on
    ├── RetryLater        the far side or another process is busy: the same call may work later
    ├── WrongUse          the caller asked for something that cannot be: change the call
    │   └── BadSettings   a setting is missing or wrong: change the setting
    └── Stop              going on would do harm: a person has to look
        └── DamagedLake   files and log of the lake disagree

A message is one sentence that ends with the next step. `exit_code` is what the command line
returns: 1 found problems, 2 wrong use or bad settings, 3 the far side failed.
"""

from __future__ import annotations


class GridtrailError(Exception):
    """Base of every error that Gridtrail raises on purpose; `exit_code` is for the shell."""

    exit_code = 1


class SkipRecord(GridtrailError):
    """One record cannot be stored; `reason` is a short code, the message says what is wrong.

    The codes are kept in the quarantine table and counted, so they are stable words:
    `not_json`, `not_utf8`, `not_an_object`, `too_large`, `too_deep`, `duplicate_key`,
    `no_id`, `no_time`, `bad_time`, `no_action`, `bad_field`, `id_conflict`, `truncated`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RetryLater(GridtrailError):
    """The far side or another process is busy; the same call may work later."""

    exit_code = 3


class WrongUse(GridtrailError):
    """The caller asked for something that cannot be."""

    exit_code = 2


class BadSettings(WrongUse):
    """A setting is missing or wrong; the message names it."""


class Stop(GridtrailError):
    """Going on would do harm; a person has to look."""


class DamagedLake(Stop):
    """Files and log of the lake disagree; the message names the table."""
