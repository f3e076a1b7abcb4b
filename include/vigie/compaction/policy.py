"""When to do what to a month of a fact table: one rule for both databases."""

from __future__ import annotations

from typing import Literal

from vigie.warehouse.fact_months import Density

Step = Literal["rewrite", "tidy", "archive"]

DEAD_SHARE = 0.1
"""A month more of which is dead is rewritten."""
LEAST_DEAD = 1_000
"""With fewer dead rows than these nothing is gained by it."""


def next_step(density: Density, *, cold: bool) -> Step | None:
    """What the month needs next; None if it is as dense as it gets.

    SQL Server's REORGANIZE merges by itself only row groups with more deleted rows than a tenth of
    the largest group, and so never small ones: rows dead in those are `stubborn`, and what counts
    is their share of the month's rows as well as their number.
    """
    stored = density.rows + density.dead
    if density.stubborn >= LEAST_DEAD and density.stubborn > DEAD_SHARE * stored:
        return "rewrite"
    if density.loose or density.mergeable or density.dead > density.stubborn:
        return "tidy"
    if cold and density.archived is False and stored:
        return "archive"
    return None
