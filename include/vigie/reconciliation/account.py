"""The account of one feed: what became of every offset."""

from __future__ import annotations

from dataclasses import dataclass

from vigie.reconciliation.tiles import Partition


@dataclass(frozen=True)
class Reconciliation:
    """What one run found; `unaccounted` has a sentence per fault, none if the feed is clean.

    The lag is None while the broker does not answer. `skipped` says what could not be compared.
    """

    feed: str
    full: bool
    seconds: float
    partitions: tuple[Partition, ...]
    lag_messages: int | None
    unaccounted: tuple[str, ...]
    skipped: str | None = None
