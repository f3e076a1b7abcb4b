"""The tables of learned models: their versions, and what became of each."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import LONG_TEXT, NAME, NUMBER, TIME, UtcNow

model_version = Table(
    "model_version",
    columns.metadata,
    Column("model", NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run_id", LONG_TEXT, nullable=False),
    Column("sha256", LONG_TEXT, nullable=False),
    Column("judged_sha256", LONG_TEXT, nullable=False, comment="of the file that the gate judged"),
    Column("trained_begin", TIME, nullable=False),
    Column("trained_end", TIME, nullable=False),
    Column("trained_rows", BigInteger, nullable=False),
    Column("created_at", TIME, nullable=False, server_default=UtcNow()),
    comment="a version of a model, with the fingerprints of its files",
    schema="ops",
)

model_event = Table(
    "model_event",
    columns.metadata,
    Column("event_id", BigInteger, primary_key=True),
    Column("at", TIME, nullable=False, server_default=UtcNow()),
    Column("model", NAME, nullable=False),
    Column("kind", LONG_TEXT, nullable=False),
    Column("version", Integer, comment="null for a challenger that was not kept"),
    Column("run_id", LONG_TEXT),
    Column("reason", LONG_TEXT, nullable=False),
    Column("error", NUMBER, comment="mean absolute error in the target's unit"),
    Column("champion_error", NUMBER),
    Column("person", LONG_TEXT, nullable=False),
    comment="something that became of a version: registered, promoted, returned to",
    schema="ops",
)
