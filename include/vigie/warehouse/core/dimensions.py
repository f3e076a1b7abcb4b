"""Sensors, status words and alert rules, which facts refer to by number."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import SENSOR

sensor = Table(
    "sensor",
    columns.metadata,
    Column("sensor_id", Integer, primary_key=True),
    columns.word("feed"),
    columns.word("sensor", SENSOR, comment="its name in the messages"),
    columns.time("first_seen", now=True, nullable=False),
    comment="a sensor of a feed, which facts refer to by number",
    schema="dim",
)

status = Table(
    "status",
    columns.metadata,
    Column("status_id", Integer, primary_key=True),
    columns.word("feed"),
    columns.word("status", columns.WORD),
    columns.word("level", comment="ok, warning or fault"),
    comment="a status word of a feed's contract, and what it means",
    schema="dim",
)

rule = Table(
    "rule",
    columns.metadata,
    Column("rule_id", Integer, primary_key=True),
    columns.word("feed"),
    columns.word("rule"),
    columns.word("severity"),
    columns.word("field"),
    comment="an alert rule of a feed's contract",
    schema="dim",
)
