"""What became of each offset of a topic."""

from __future__ import annotations

from sqlalchemy import Column, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import BYTES

ledger = Table(
    "ledger",
    columns.metadata,
    columns.word("feed", key=True),
    columns.word("topic_id", columns.TOPIC, key=True, comment="a topic made anew has another"),
    columns.integer("kafka_partition", key=True),
    columns.big_integer("begin_offset", key=True),
    columns.big_integer("end_offset", comment="the first one behind the range"),
    columns.big_integer("batch_no"),
    columns.integer("launch"),
    columns.big_integer("messages_read"),
    columns.big_integer("stored"),
    columns.big_integer("copies"),
    columns.big_integer("conflicts", comment="copies with other values; they are in quarantine"),
    columns.big_integer("quarantined", comment="for any other reason"),
    columns.big_integer("control", comment="offsets without a message: marks of transactions"),
    columns.time("committed_at", now=True, nullable=False),
    comment="a range of offsets that a batch committed, with what became of its messages",
    schema="ops",
)

gap = Table(
    "gap",
    columns.metadata,
    columns.word("feed", key=True),
    columns.word("topic_id", columns.TOPIC, key=True),
    columns.integer("kafka_partition", key=True),
    columns.big_integer("begin_offset", key=True),
    columns.big_integer("end_offset", comment="the first one behind the range"),
    columns.text("reason"),
    columns.time("found_at", now=True, nullable=False),
    columns.text("accepted_by", nullable=True),
    columns.time("accepted_at"),
    comment="a range of offsets that can no longer be read; the stream waits until it is accepted",
    schema="ops",
)

quarantine = Table(
    "quarantine",
    columns.metadata,
    columns.word("feed", key=True),
    columns.word("topic_id", columns.TOPIC, key=True),
    columns.integer("kafka_partition", key=True),
    columns.big_integer("kafka_offset", key=True),
    columns.time("append_time", nullable=False, comment="when Kafka took it"),
    columns.text("reason"),
    columns.text("detail"),
    columns.text("sensor", nullable=True),
    columns.time("event_time"),
    Column("raw", BYTES, comment="the message, at most 64 KiB of it"),
    columns.big_integer("raw_length", nullable=True, comment="bytes of the whole message"),
    columns.text("raw_sha256", nullable=True),
    columns.big_integer("batch_no"),
    columns.time("quarantined_at", now=True, nullable=False),
    columns.time("released_at", comment="when a replay or restatement stored it"),
    comment="a message that failed a check",
    schema="ops",
)
