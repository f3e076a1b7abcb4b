"""Migrations, keys of the HTTP API, refreshes of Power BI."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Table

from vigie.warehouse.core import columns

migration = Table(
    "migration",
    columns.metadata,
    columns.word("name", columns.WORD, key=True),
    columns.text("checksum"),
    columns.time("applied_at", now=True, nullable=False),
    comment="a migration file that was run",
    schema="ops",
)

ingest_key = Table(
    "ingest_key",
    columns.metadata,
    columns.word("name", columns.WORD, key=True),
    columns.word("key_sha256", columns.HASH, comment="the key itself is nowhere"),
    columns.text("feeds", comment="names with commas between; empty: all"),
    columns.text("created_by"),
    columns.time("created_at", now=True, nullable=False),
    columns.time("revoked_at"),
    comment="a key of the HTTP API",
    schema="ops",
)

refresh = Table(
    "refresh",
    columns.metadata,
    columns.word("refresh_id", columns.HASH, key=True),
    columns.word("asked_for", columns.TASK, comment="the run and task"),
    columns.time("asked_at", nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    columns.time(
        "covers_until", nullable=False, comment="changes until then are in it once it completed"
    ),
    Column("partitions", Boolean, nullable=False),
    columns.text("request_id", nullable=True),
    columns.time("ended_at"),
    columns.text("state", nullable=True, comment="null until it ended"),
    columns.text("why", nullable=True),
    comment="a refresh of the Power BI dataset that was asked for",
    schema="ops",
)
