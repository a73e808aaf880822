"""Small pieces of text for titles, narratives and advice.

Everything that comes out of an event passes `shown` or `quoted`: one line, no control or
direction characters, of bounded length. Terminals and pages escape it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gridtrail.enrich.agent_text import cleaned

_LAST_SECOND = 253_402_300_799  # 9999-12-31, where datetime ends
_QUOTES = str.maketrans({"“": "'", "”": "'", '"': "'", "`": "'"})


def shown(text: str, characters: int = 60) -> str:
    """`text` on one line, without control characters, cut to `characters`."""
    plain = cleaned(text)
    return plain if len(plain) <= characters else plain[: characters - 1].rstrip() + "…"


def quoted(text: str, characters: int = 80) -> str:
    """`text` as `shown`, in quotation marks that it cannot close itself."""
    return f"“{shown(text.translate(_QUOTES), characters)}”"


def moment(seconds: int) -> str:
    """A time as `2026-03-02 14:02 UTC`."""
    return f"{_time(seconds):%Y-%m-%d %H:%M} UTC"


def day(seconds: int) -> str:
    """A time's UTC day as `2026-03-02`."""
    return f"{_time(seconds):%Y-%m-%d}"


def span(first: int, last: int) -> str:
    """`Between … and …`, or `At …` when it was within a minute."""
    if last - first < 60:
        return f"At {moment(first)}"
    end = f"{_time(last):%H:%M} UTC" if day(first) == day(last) else moment(last)
    return f"Between {moment(first).removesuffix(' UTC')} and {end}"


def number(count: int, one: str, many: str | None = None) -> str:
    """`1 file`, `312 files`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…”")) else ".")


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(max(0, min(seconds, _LAST_SECOND)), UTC)
