"""Summarises readings per sensor and pane; two summaries of one pane merge by sum, min and max."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.streaming.flag import flag_column
from vigie.warehouse.feed_tables import PANE_COUNTS, PANE_SUMMARY
from vigie.warehouse.session import Merge


def pane_start(event_time: pa.ChunkedArray, feed: Feed) -> pa.Array:
    """The start of the pane each event time lies in; panes are aligned to the epoch in UTC."""
    microseconds = event_time.cast(pa.int64()).to_numpy()
    starts = microseconds - np.mod(microseconds, feed.windows.pane // timedelta(microseconds=1))
    return pa.array(starts).cast(pa.timestamp("us", tz="UTC"))


def summarise(readings: pa.Table, feed: Feed) -> pa.Table:
    """Summarise stored readings.

    Args:
        readings: sensor_id, event_time, fields, the word `status` where the contract has one, and
            one column per alert rule.
        feed: The contract.

    Returns:
        One row per (sensor_id, pane_start) with the columns of the feed's pane table.
    """
    columns = {
        "sensor_id": readings["sensor_id"],
        "pane_start": pane_start(readings["event_time"], feed),
        "alerts": _any_alert(readings, feed),
        "warnings": _at_level(readings, feed, "warning"),
        "faults": _at_level(readings, feed, "fault"),
    }
    wanted: list[tuple[str | list[str], str]] = [("alerts", "sum"), ("warnings", "sum")]
    wanted += [("faults", "sum"), ([], "count_all")]
    for name in feed.fields:
        value = readings[name].cast(pa.float64(), safe=False)
        columns[name], columns[f"{name}_squared"] = value, pc.multiply(value, value)
        wanted += [(name, "count"), (name, "sum"), (f"{name}_squared", "sum")]
        wanted += [(name, "min"), (name, "max")]
    groups = pa.table(columns).group_by(["sensor_id", "pane_start"]).aggregate(wanted)
    return _named(groups, feed)


def pane_merges(feed: Feed) -> dict[str, Merge]:
    """How each column of a summary merges with what is stored of its pane."""
    merges: dict[str, Merge] = dict.fromkeys(PANE_COUNTS, "sum")
    for name in feed.fields:
        merges |= {f"{name}_{part}": merge for part, merge in PANE_SUMMARY.items()}
    return merges


def _named(groups: pa.Table, feed: Feed) -> pa.Table:
    named = {
        "sensor_id": groups["sensor_id"],
        "pane_start": groups["pane_start"],
        "readings": groups["count_all"],
        "alerts": groups["alerts_sum"],
        "warnings": groups["warnings_sum"],
        "faults": groups["faults_sum"],
    }
    for name in feed.fields:
        named[f"{name}_n"] = groups[f"{name}_count"]
        named[f"{name}_sum"] = pc.fill_null(groups[f"{name}_sum"], 0.0)
        named[f"{name}_sumsq"] = pc.fill_null(groups[f"{name}_squared_sum"], 0.0)
        named[f"{name}_min"], named[f"{name}_max"] = groups[f"{name}_min"], groups[f"{name}_max"]
    return pa.table(named)


def _any_alert(readings: pa.Table, feed: Feed) -> pa.ChunkedArray:
    """1 for a reading that at least one rule flags."""
    flagged = pa.chunked_array([pa.repeat(False, readings.num_rows)])
    for rule in feed.alerts:
        flagged = pc.or_(flagged, readings[flag_column(rule)])
    return flagged.cast(pa.int64())


def _at_level(readings: pa.Table, feed: Feed, level: str) -> pa.ChunkedArray:
    """1 for a reading whose status means this level."""
    if feed.status is None:
        return pa.chunked_array([pa.repeat(pa.scalar(0, pa.int64()), readings.num_rows)])
    words = pa.array(getattr(feed.status, level), pa.string())
    return pc.is_in(readings["status"], value_set=words).cast(pa.int64())
