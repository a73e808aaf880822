"""tor: a person's own session or an app comes through a Tor exit.

What counts is that the address stood on a list of exits (`enrich.tor_lists`, or an address file
that marks exits) when it was used; relays are not exits and belong on no such list. Nobody gets
used to it: it is said once in 24 hours for each subject, however often it happened before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridtrail.detect.listed import ListedDetector, clean, judged

P_VALUE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Tor(ListedDetector):
    """A Tor exit."""

    def list_name(self, row: Mapping[str, Any]) -> str:
        """The list that gave the kind of the address; "" when an address file did."""
        return str(row["listed_name"] or "")

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What happened."""
        network = row["asn_name"] or row["network"] or "an unknown network"
        return f"Through the Tor exit {clean(row['ip'])} of {network}"


DETECTOR = Tor(
    name="tor",
    version=1,
    reasons=("tor",),
    listed=judged.filter(judged.address_kind == "tor"),
    source="listed",
    p_value=P_VALUE,
    share=0.01,
    need="tor_lists",
)
