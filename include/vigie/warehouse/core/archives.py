"""What the lake has: copies of what it says itself."""

from __future__ import annotations

from sqlalchemy import Table

from vigie.warehouse.core import columns

archive = Table(
    "archive",
    columns.metadata,
    columns.word("feed", key=True),
    columns.word("topic_id", columns.TOPIC, key=True),
    columns.integer("kafka_partition", key=True),
    columns.big_integer("end_offset"),
    columns.big_integer("messages"),
    columns.time("archived_at", now=True, nullable=False),
    comment="a partition of a topic: how far the lake has it (a copy; the lake decides)",
    schema="ops",
)

lake = Table(
    "lake",
    columns.metadata,
    columns.word("feed", key=True),
    columns.big_integer("commit_no"),
    columns.big_integer("files"),
    columns.big_integer("bytes"),
    columns.time("archived_at"),
    columns.time("maintained_at"),
    comment="a feed: the size of its lake after the last archive (a copy)",
    schema="ops",
)
