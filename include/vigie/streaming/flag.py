"""Alert rules as boolean columns, one per rule; null measurements raise nothing."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from vigie.contract.feed import Condition, Feed


def flag_column(rule: str) -> str:
    """The column of a rule; no contract name can contain the colon."""
    return f"alert:{rule}"


def flag(checked: DataFrame, feed: Feed) -> DataFrame:
    """Add a column per alert rule of the feed."""
    return checked.withColumns(
        {
            flag_column(name): F.coalesce(_holds(alert.when), F.lit(False))
            for name, alert in feed.alerts.items()
        }
    )


def _holds(when: Condition) -> Column:
    value = F.col(when.field)
    if when.above is not None:
        return value > when.above
    if when.below is not None:
        return value < when.below
    return value == F.lit(when.equals)
