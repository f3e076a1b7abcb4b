"""Flagged readings, episodes that are open, messages to be sent."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Table

from vigie.warehouse.core import columns
from vigie.warehouse.types import NUMBER, SENSOR, TIME

alert = Table(
    "alert",
    columns.metadata,
    columns.integer("rule_id", key=True),
    columns.integer("sensor_id", key=True),
    Column("event_time", TIME, primary_key=True),
    Column("value", NUMBER, comment="of the rule's field"),
    Column("is_late", Boolean, nullable=False),
    columns.big_integer("batch_no"),
    comment="a reading that a rule flags",
    schema="fact",
)

alert_state = Table(
    "alert_state",
    columns.metadata,
    columns.integer("sensor_id", key=True),
    columns.integer("rule_id", key=True),
    columns.word("feed"),
    columns.time("since", comment="event time that opened it; null while nothing is open"),
    Column("peak", NUMBER, comment="highest value of the episode; lowest, of a rule `below`"),
    columns.time("last_flagged"),
    comment="a sensor and rule: where they stand, of live readings",
    schema="ops",
)

alert_outbox = Table(
    "alert_outbox",
    columns.metadata,
    Column("message_no", BigInteger, primary_key=True),
    columns.word("feed"),
    columns.word("sensor", SENSOR),
    columns.text("message"),
    columns.time("written_at", now=True, nullable=False),
    comment="an alert message that Kafka has not acknowledged yet",
    schema="ops",
)
