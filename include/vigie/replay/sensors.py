"""Whose readings the rows of a file are."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from vigie.replay.faults import Refuse, name_fault
from vigie.replay.recipe import Sensor


def sensors(path: Path, table: pd.DataFrame, recipe: Sensor, refuse: Refuse) -> pd.Series:
    """The sensor of each row of `table`.

    Raises:
        RecipeError: The file's name, where that holds it, names no sensor.
    """
    if recipe.column is None:
        return pd.Series(_constant(path, recipe), index=table.index, dtype=str)
    column = table[recipe.column]
    refuse(path, column, column.isna(), "the name of a sensor")
    return column


def _constant(path: Path, recipe: Sensor) -> str:
    if recipe.file is None:
        return str(recipe.value)
    match = re.search(recipe.file, path.name)
    if match is None or not match[1]:
        raise name_fault(path, recipe.file)
    return match[1]
