"""The tables that say how good learned models are: errors by day, looks, distances of inputs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Integer,
    Table,
)

from vigie.warehouse.core import columns
from vigie.warehouse.types import NUMBER, TIME

model_day = Table(
    "model_day",
    columns.metadata,
    columns.word("model", key=True),
    Column("event_date", Date, primary_key=True),
    columns.big_integer("readings"),
    columns.time("known_until", nullable=False, comment="up to when labels were known then"),
    columns.big_integer("unscored"),
    Column("restatements", BigInteger, nullable=False, server_default="0", comment="until then"),
    comment="a day of event time whose errors were summed up",
    schema="ops",
)

model_error = Table(
    "model_error",
    columns.metadata,
    columns.word("model", key=True),
    Column("event_date", Date, primary_key=True),
    columns.integer("version", key=True),
    columns.big_integer("predictions"),
    Column("absolute", NUMBER, nullable=False),
    Column("squared", NUMBER, nullable=False),
    Column("signed", NUMBER, nullable=False),
    comment="a day and version: sums of predicted less true",
    schema="ops",
)

model_check = Table(
    "model_check",
    columns.metadata,
    Column("check_id", BigInteger, primary_key=True),
    columns.time("at", now=True, nullable=False),
    columns.word("model"),
    columns.time("event_time", nullable=False, comment="the newest stored"),
    Column("version", Integer),
    Column(
        "labels", BigInteger, nullable=False, comment="that became known in the three days before"
    ),
    Column("error", NUMBER, comment="mean absolute error of these labels, in the target's unit"),
    Column("drift_above", NUMBER, nullable=False),
    columns.text("outcome"),
    columns.text("reason"),
    comment="a look at a model, and what was decided",
    schema="ops",
)

model_input = Table(
    "model_input",
    columns.metadata,
    columns.word("model", key=True),
    columns.integer("version", key=True),
    Column("event_time", TIME, primary_key=True),
    columns.word("field", key=True),
    Column(
        "distance", NUMBER, nullable=False, comment="Kolmogorov-Smirnov, 0 (alike) to 1 (apart)"
    ),
    comment="an input of a version: how far it is from training",
    schema="ops",
)
