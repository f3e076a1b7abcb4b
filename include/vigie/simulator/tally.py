"""What a simulation did, and what the stream has to make of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts of one feed: messages by what becomes of them, faults by kind.

    A fate is `stored`, `copies`, or the reason of a quarantine.
    """

    feed: str
    fates: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    rejected: int = 0

    @property
    def sent(self) -> int:
        """Messages sent in all."""
        return self.fates.total()

    def as_json(self) -> dict[str, Any]:
        """Plain values; `expected` is what the ledger and the quarantine grow by."""
        reasons = {k: n for k, n in sorted(self.fates.items()) if k not in ("stored", "copies")}
        conflicts = reasons.pop("conflicting_copy", 0)
        return {
            "feed": self.feed,
            "sent": self.sent,
            "acknowledged": self.acknowledged,
            "rejected": self.rejected,
            "expected": {
                "stored": self.fates["stored"],
                "copies": self.fates["copies"],
                "conflicts": conflicts,
                "quarantined": reasons,
            },
            "faults": dict(sorted(self.faults.items())),
        }
