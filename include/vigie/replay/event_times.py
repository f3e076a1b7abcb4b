"""When the rows of a file were measured."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from vigie.errors import RecipeError
from vigie.replay.faults import Refuse, name_fault
from vigie.replay.recipe import EPOCH, Time, parse_zone


def event_times(path: Path, table: pd.DataFrame, recipe: Time, refuse: Refuse) -> pd.Series:
    """The event time of each row of `table`: UTC, cut to milliseconds.

    Raises:
        RecipeError: The file's name, where that holds the time, cannot be read.
    """
    if recipe.columns:
        times = _written(path, table, recipe, refuse)
    else:
        times = _counted(path, table, recipe)
    return pd.Series(times.as_unit("ms"), index=table.index)


def _written(path: Path, table: pd.DataFrame, recipe: Time, refuse: Refuse) -> pd.DatetimeIndex:
    texts = table[recipe.columns[0]]
    for column in recipe.columns[1:]:
        texts = texts + " " + table[column]
    texts = texts.rename(" ".join(recipe.columns))
    if recipe.format == EPOCH:
        numbers = pd.to_numeric(texts, errors="coerce")
        local = pd.DatetimeIndex(pd.to_datetime(numbers, unit="ms", utc=True, errors="coerce"))
    else:
        local = pd.DatetimeIndex(pd.to_datetime(texts, format=recipe.format, errors="coerce"))
    refuse(path, texts, local.isna(), f"a time written as {recipe.format}")
    times = _utc(local, recipe)
    expected = f"a time that exists once in {recipe.zone}; is its offset fixed, as UTC+1 is?"
    refuse(path, texts, np.logical_and(times.isna(), local.notna()), expected)
    return times


def _counted(path: Path, table: pd.DataFrame, recipe: Time) -> pd.DatetimeIndex:
    start = _utc(pd.DatetimeIndex([_start(path, recipe)]), recipe)[0]
    return pd.date_range(start, periods=len(table), freq=recipe.step)


def _start(path: Path, recipe: Time) -> datetime:
    if recipe.start is not None:
        return recipe.start
    pattern = str(recipe.file)
    match = re.search(pattern, path.name)
    if match is None:
        raise name_fault(path, pattern)
    try:
        return pd.to_datetime(match[1], format=recipe.format).to_pydatetime()
    except ValueError as error:
        raise RecipeError(
            f"{path}: found {match[1]!r} in the file's name, "
            f"expected a time written as {recipe.format}"
        ) from error


def _utc(local: pd.DatetimeIndex, recipe: Time) -> pd.DatetimeIndex:
    if local.tz is None:
        zone = parse_zone(recipe.zone)
        local = local.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return local.tz_convert("UTC")
