"""What was done to facts later: restatements, compactions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Table, false

from vigie.warehouse.core import columns
from vigie.warehouse.types import LONG_TEXT, NUMBER

restatement = Table(
    "restatement",
    columns.metadata,
    columns.word("restatement_id", columns.HASH, key=True),
    columns.word("feed"),
    Column("event_date", Date, nullable=False),
    columns.time("restated_at", now=True, nullable=False),
    columns.text("person"),
    columns.text("reason", nullable=True),
    columns.text("prefer", comment="which record of an identity won: first or last"),
    columns.big_integer("cut_batch_no", comment="batches after it were left alone"),
    columns.big_integer(
        "batch_no", nullable=True, comment="that the rows which came have; null if none did"
    ),
    columns.big_integer("records"),
    columns.big_integer("came"),
    columns.big_integer("went"),
    columns.big_integer("changed"),
    columns.big_integer("alerts_came"),
    columns.big_integer("alerts_went"),
    columns.big_integer("quarantined"),
    columns.big_integer("released"),
    columns.big_integer("left_over"),
    columns.text("sums_before"),
    columns.text("sums_after"),
    Column("seconds", NUMBER, nullable=False),
    columns.time("rolled_up_at"),
    Column(
        "documents_due",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the documents do not follow yet",
    ),
    Column(
        "source", LONG_TEXT, nullable=False, server_default="lake", comment="lake or quarantine"
    ),
    comment="a day that was restated, or that a replay of quarantine changed",
    schema="ops",
)

restated = Table(
    "restated",
    columns.metadata,
    columns.word("feed", key=True),
    columns.integer("kafka_partition", key=True),
    columns.big_integer("readings"),
    columns.big_integer("quarantined"),
    comment="a partition: what restatements changed against the ledger",
    schema="ops",
)

compaction = Table(
    "compaction",
    columns.metadata,
    columns.word("compaction_id", columns.HASH, key=True),
    columns.word("feed"),
    columns.word("table_name", columns.WORD),
    Column("month", Date, nullable=False, comment="its first day"),
    columns.time("compacted_at", now=True, nullable=False),
    columns.text("person"),
    columns.text("steps"),
    columns.text("marker", comment="how the month looked to the database; the same: nothing to do"),
    columns.big_integer("rows_before"),
    columns.big_integer("rows_after"),
    columns.big_integer("groups_before", comment="pages; row groups in SQL Server"),
    columns.big_integer("groups_after"),
    columns.big_integer("dead_before"),
    columns.big_integer("dead_after"),
    columns.big_integer("bytes_before"),
    columns.big_integer("bytes_after"),
    Column("query_ms_before", NUMBER),
    Column("query_ms_after", NUMBER),
    Column("seconds", NUMBER, nullable=False),
    comment="a month of a table that was compacted or expired",
    schema="ops",
)
