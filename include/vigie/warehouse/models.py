"""The tables of learned models: their versions, and what became of each.

Like the core's, their DDL is written by hand and a test holds both equal.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Double, Integer, MetaData, Table, Text, func

metadata = MetaData()

model_version = Table(
    "model_version",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("judged_sha256", Text, nullable=False),
    Column("trained_begin", DateTime(timezone=True), nullable=False),
    Column("trained_end", DateTime(timezone=True), nullable=False),
    Column("trained_rows", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="ops",
)

model_event = Table(
    "model_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer),
    Column("run_id", Text),
    Column("reason", Text, nullable=False),
    Column("error", Double),
    Column("champion_error", Double),
    Column("person", Text, nullable=False),
    schema="ops",
)
