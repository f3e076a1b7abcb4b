"""Runs a query into a pandas frame whose columns have the types of the query's."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Boolean, Connection, DateTime, Select, TypeDecorator
from sqlalchemy.types import Numeric

from vigie.warehouse.types import TIME


def read_frame(connection: Connection, query: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    """The rows of a query: moments in UTC, numbers and booleans as floats, null as NaN or NaT."""
    result = connection.execute(query)
    frame = pd.DataFrame.from_records(result.all(), columns=list(result.keys()))
    for name, chosen in zip(frame.columns, query.selected_columns, strict=True):
        if chosen.type is TIME or isinstance(chosen.type, (DateTime, TypeDecorator)):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif isinstance(chosen.type, (Numeric, Boolean)) or chosen.type.python_type is int:
            frame[name] = frame[name].astype(float)
    return frame
