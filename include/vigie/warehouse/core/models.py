"""The tables of learned models: their versions, and what became of each."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import NUMBER

model_version = Table(
    "model_version",
    columns.metadata,
    columns.word("model", key=True),
    columns.integer("version", key=True),
    columns.text("run_id"),
    columns.text("sha256"),
    columns.text("judged_sha256", comment="of the file that the gate judged"),
    columns.time("trained_begin", nullable=False),
    columns.time("trained_end", nullable=False),
    columns.big_integer("trained_rows"),
    columns.time("created_at", now=True, nullable=False),
    comment="a version of a model, with the fingerprints of its files",
    schema="ops",
)

model_event = Table(
    "model_event",
    columns.metadata,
    Column("event_id", BigInteger, primary_key=True),
    columns.time("at", now=True, nullable=False),
    columns.word("model"),
    columns.text("kind"),
    Column("version", Integer, comment="null for a challenger that was not kept"),
    columns.text("run_id", nullable=True),
    columns.text("reason"),
    Column("error", NUMBER, comment="mean absolute error in the target's unit"),
    Column("champion_error", NUMBER),
    columns.text("person"),
    comment="something that became of a version: registered, promoted, returned to",
    schema="ops",
)
