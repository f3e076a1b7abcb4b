"""Event time: how far each sensor is, and what each day holds."""

from __future__ import annotations

from sqlalchemy import Column, Date, Table

from vigie.warehouse.core import columns

sensor_clock = Table(
    "sensor_clock",
    columns.metadata,
    columns.integer("sensor_id", key=True),
    columns.word("feed"),
    columns.time("last_event_time", nullable=False),
    comment="a sensor: its newest event time, which only rises",
    schema="ops",
)

day_count = Table(
    "day_count",
    columns.metadata,
    columns.word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    columns.big_integer("stored", comment="by batches"),
    columns.big_integer("restated", comment="added by restatements, or taken away"),
    columns.big_integer("expired", comment="removed by retention"),
    comment="a feed and day of event time: how many readings were counted",
    schema="ops",
)

roll_up = Table(
    "roll_up",
    columns.metadata,
    columns.word("feed", key=True),
    Column("event_date", Date, primary_key=True),
    columns.big_integer(
        "counted", nullable=True, comment="readings of the day then; null while the day is open"
    ),
    columns.time("rolled_at", now=True, nullable=False),
    comment="a feed and day whose roll-ups were computed",
    schema="ops",
)
