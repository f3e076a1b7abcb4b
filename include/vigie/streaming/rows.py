"""The rows a batch writes, as Arrow tables with exactly the columns of their warehouse tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vigie.contract.feed import Feed
from vigie.streaming.copies import Repeats
from vigie.streaming.flag import flag_column
from vigie.warehouse.ledger import OffsetRange


def _constant(value: object, kind: pa.DataType, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), rows)


def reading_rows(
    accepted: pa.Table, sensor_ids: pa.Array, feed: Feed, statuses: dict[str, int], batch_no: int
) -> pa.Table:
    """Accepted rows with numbers for strings; the alert columns ride along."""
    rows = accepted.append_column("sensor_id", sensor_ids)
    rows = rows.append_column("batch_no", _constant(batch_no, pa.int64(), rows.num_rows))
    if feed.status:
        words = pa.array(list(statuses), pa.string())
        ids = pa.array(list(statuses.values()), pa.int32())
        index = pc.index_in(rows["status"], value_set=words)
        rows = rows.append_column("status_id", pc.take(ids, index))
    return rows


def ledger_rows(
    feed: Feed,
    launch: int,
    batch_no: int,
    ranges: Sequence[OffsetRange],
    read: dict[int, int],
    rows: pa.Table,
    repeats: Repeats,
) -> pa.Table:
    """One row per planned range: where every message of it went."""
    partitions = rows["kafka_partition"].to_numpy()

    def count(part: int, which: npt.NDArray[np.int64]) -> int:
        return int(np.count_nonzero(partitions[which] == part))

    table = []
    for part in ranges:
        messages = read.get(part.partition, 0)
        stored = count(part.partition, repeats.fresh)
        copies = count(part.partition, repeats.copies)
        conflicts = count(part.partition, repeats.conflicts)
        table.append(
            {
                "feed": feed.name,
                "topic_id": part.topic_id,
                "kafka_partition": part.partition,
                "begin_offset": part.begin,
                "end_offset": part.end,
                "batch_no": batch_no,
                "launch": launch,
                "messages_read": messages,
                "stored": stored,
                "copies": copies,
                "conflicts": conflicts,
                "quarantined": messages - stored - copies - conflicts,
                "control": part.end - part.begin - messages,
            }
        )
    small = {"kafka_partition": pa.int32(), "launch": pa.int32()}
    schema = [pa.field(k, small.get(k, pa.infer_type([v]))) for k, v in table[0].items()]
    return pa.Table.from_pylist(table, schema=pa.schema(schema))


def alert_rows(stored: pa.Table, feed: Feed, rules: dict[str, int]) -> pa.Table:
    """One row per reading and rule that flags it."""
    parts = []
    for name, alert in feed.alerts.items():
        hit = stored.filter(stored[flag_column(name)])
        parts.append(
            pa.table(
                {
                    "rule_id": _constant(rules[name], pa.int32(), hit.num_rows),
                    "sensor_id": hit["sensor_id"],
                    "event_time": hit["event_time"],
                    "value": hit[alert.when.field].cast(pa.float64(), safe=False),
                    "is_late": hit["is_late"],
                    "batch_no": hit["batch_no"],
                }
            )
        )
    return pa.concat_tables(parts) if parts else pa.table({})


def conflict_rows(conflicts: pa.Table, names: Sequence[str]) -> pa.Table:
    """Messages whose identity is stored with other values; the detail has theirs."""
    values = conflicts.select(list(names)).to_pylist()
    details = [f"stored already with other values; this message has {_show(v)}" for v in values]
    return (
        conflicts.select(["kafka_partition", "kafka_offset", "append_time", "sensor", "event_time"])
        .append_column("reason", _constant("conflicting_copy", pa.string(), conflicts.num_rows))
        .append_column("detail", pa.array(details, pa.string()))
    )


def _show(values: dict[str, object]) -> str:
    return orjson.dumps(values).decode()[:500]


def quarantine_rows(rows: pa.Table, feed: Feed, topic_id: str, batch_no: int) -> pa.Table:
    """Quarantined messages with the feed, topic and batch they belong to."""
    for name, value, kind in (
        ("feed", feed.name, pa.string()),
        ("topic_id", topic_id, pa.string()),
        ("batch_no", batch_no, pa.int64()),
    ):
        rows = rows.append_column(name, _constant(value, kind, rows.num_rows))
    return rows


def clock_rows(stored: pa.Table, feed: Feed) -> pa.Table:
    """The newest event time of each sensor in the batch."""
    newest = stored.group_by("sensor_id").aggregate([("event_time", "max")])
    return pa.table(
        {
            "sensor_id": newest["sensor_id"],
            "feed": _constant(feed.name, pa.string(), newest.num_rows),
            "last_event_time": newest["event_time_max"],
        }
    )


def day_rows(stored: pa.Table, feed: Feed) -> pa.Table:
    """Readings stored per event date, UTC."""
    days = pa.table({"event_date": stored["event_time"].cast(pa.timestamp("us")).cast(pa.date32())})
    counts = days.group_by("event_date").aggregate([([], "count_all")])
    zero = _constant(0, pa.int64(), counts.num_rows)
    return pa.table(
        {
            "feed": _constant(feed.name, pa.string(), counts.num_rows),
            "event_date": counts["event_date"],
            "stored": counts["count_all"],
            "restated": zero,
            "expired": zero,
        }
    )
