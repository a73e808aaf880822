"""asn: a person's own session or an app comes from an ASN that the organization finds suspicious.

The ASNs stand on lists of the organization's own (`enrich.suspicious_asn_lists`); Gridtrail ships
none. Slack's `asn` always comes with `ip_address` and, where the ASN alone is the cause, without
`ip_address_details`; what else is odd about the address is said by `ip_address`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridtrail.detect.listed import ListedDetector, clean, judged

P_VALUE = 1e-4
"""Not as telling as a Tor exit: everybody who shares a provider is on it."""


@dataclass(frozen=True, kw_only=True)
class SuspiciousAsn(ListedDetector):
    """An ASN of a list."""

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What happened."""
        name = f" ({row['asn_name']})" if row["asn_name"] else ""
        return f"From {clean(row['ip'])} in the suspicious AS{row['asn']}{name}"


DETECTOR = SuspiciousAsn(
    name="asn",
    version=1,
    reasons=("asn", "ip_address"),
    listed=judged.filter(judged.asn_list.notnull()),
    source="asn",
    p_value=P_VALUE,
    share=0.01,
    need="suspicious_asn_lists",
)
