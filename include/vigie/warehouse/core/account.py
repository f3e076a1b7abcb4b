"""The account of offsets with rows."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import NUMBER, TIME, UtcNow

reconciliation = Table(
    "reconciliation",
    columns.metadata,
    columns.word("feed", key=True),
    Column("at", TIME, primary_key=True, server_default=UtcNow()),
    Column(
        "is_full", Boolean, nullable=False, comment="every row was counted, not only changed days"
    ),
    Column("seconds", NUMBER, nullable=False),
    columns.big_integer("messages_read"),
    columns.big_integer("stored"),
    columns.big_integer("copies"),
    columns.big_integer("conflicts"),
    columns.big_integer("quarantined"),
    columns.big_integer("control"),
    columns.big_integer("gap_offsets"),
    columns.big_integer("overlap_offsets"),
    columns.big_integer("lag_messages", nullable=True),
    columns.text(
        "unaccounted", nullable=True, comment="the faults, a line each; null if there is none"
    ),
    comment="a run of the account, and what it found",
    schema="ops",
)

reconciled_day = Table(
    "reconciled_day",
    columns.metadata,
    columns.word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    columns.big_integer("readings"),
    columns.time("counted_at", now=True, nullable=False),
    comment="a feed and day that were last counted and found right",
    schema="ops",
)
