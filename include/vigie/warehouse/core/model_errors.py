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
from vigie.warehouse.types import LONG_TEXT, NAME, NUMBER, TIME, UtcNow

model_day = Table(
    "model_day",
    columns.metadata,
    Column("model", NAME, primary_key=True),
    Column("event_date", Date, primary_key=True),
    Column("readings", BigInteger, nullable=False),
    Column("known_until", TIME, nullable=False, comment="up to when labels were known then"),
    Column("unscored", BigInteger, nullable=False),
    Column("restatements", BigInteger, nullable=False, server_default="0", comment="until then"),
    comment="a day of event time whose errors were summed up",
    schema="ops",
)

model_error = Table(
    "model_error",
    columns.metadata,
    Column("model", NAME, primary_key=True),
    Column("event_date", Date, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("predictions", BigInteger, nullable=False),
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
    Column("at", TIME, nullable=False, server_default=UtcNow()),
    Column("model", NAME, nullable=False),
    Column("event_time", TIME, nullable=False, comment="the newest stored"),
    Column("version", Integer),
    Column(
        "labels", BigInteger, nullable=False, comment="that became known in the three days before"
    ),
    Column("error", NUMBER, comment="mean absolute error of these labels, in the target's unit"),
    Column("drift_above", NUMBER, nullable=False),
    Column("outcome", LONG_TEXT, nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
    comment="a look at a model, and what was decided",
    schema="ops",
)

model_input = Table(
    "model_input",
    columns.metadata,
    Column("model", NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("event_time", TIME, primary_key=True),
    Column("field", NAME, primary_key=True),
    Column(
        "distance", NUMBER, nullable=False, comment="Kolmogorov-Smirnov, 0 (alike) to 1 (apart)"
    ),
    comment="an input of a version: how far it is from training",
    schema="ops",
)
