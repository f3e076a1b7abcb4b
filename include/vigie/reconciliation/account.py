"""The account of one feed: what became of every offset."""

from __future__ import annotations

from dataclasses import dataclass

from vigie.reconciliation.tiles import Partition


@dataclass(frozen=True)
class Reconciliation:
    """What one run found; `unaccounted` has a sentence per fault, none if the feed is clean.

    The lag is None while the broker does not answer. `skipped` says what could not be compared.
    `restated` and `expired` are by how many readings restatements and retention changed what the
    ledger counted as stored, `released` the messages that left quarantine, `lake_expired` the
    records that the lake's retention removed.
    """

    feed: str
    full: bool
    seconds: float
    partitions: tuple[Partition, ...]
    lag_messages: int | None
    unaccounted: tuple[str, ...]
    skipped: str | None = None
    restated: int = 0
    expired: int = 0
    released: int = 0
    lake_expired: int = 0


@dataclass(frozen=True)
class LakeAccount:
    """What comparing with the lake gave: `faults`, or in `skipped` why nothing was compared.

    `expired` are the records that the lake's retention removed.
    """

    faults: tuple[str, ...] = ()
    skipped: str | None = None
    expired: int = 0
