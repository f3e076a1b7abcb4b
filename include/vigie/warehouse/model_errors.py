"""The tables that say how good learned models are: errors by day, looks, distances of inputs.

Like the core's, their DDL is written by hand and a test holds both equal.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    func,
)

metadata = MetaData()

model_day = Table(
    "model_day",
    metadata,
    Column("model", Text, primary_key=True),
    Column("event_date", Date, primary_key=True),
    Column("readings", BigInteger, nullable=False),
    Column("known_until", DateTime(timezone=True), nullable=False),
    Column("unscored", BigInteger, nullable=False),
    schema="ops",
)

model_error = Table(
    "model_error",
    metadata,
    Column("model", Text, primary_key=True),
    Column("event_date", Date, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("predictions", BigInteger, nullable=False),
    Column("absolute", Double, nullable=False),
    Column("squared", Double, nullable=False),
    Column("signed", Double, nullable=False),
    schema="ops",
)

model_check = Table(
    "model_check",
    metadata,
    Column("check_id", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("model", Text, nullable=False),
    Column("event_time", DateTime(timezone=True), nullable=False),
    Column("version", Integer),
    Column("labels", BigInteger, nullable=False),
    Column("error", Double),
    Column("drift_above", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    schema="ops",
)

model_input = Table(
    "model_input",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("event_time", DateTime(timezone=True), primary_key=True),
    Column("field", Text, primary_key=True),
    Column("distance", Double, nullable=False),
    schema="ops",
)
