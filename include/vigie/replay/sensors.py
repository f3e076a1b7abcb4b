"""Whose readings the rows of a file are."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from vigie.replay.faults import cell_fault, first_true, name_fault
from vigie.replay.recipe import Sensor


def sensors(path: Path, table: pd.DataFrame, recipe: Sensor) -> pd.Series:
    """The sensor of each row of `table`.

    Raises:
        RecipeError: A row names no sensor, or the file's name does not.
    """
    if recipe.column is None:
        return pd.Series(_constant(path, recipe), index=table.index, dtype=str)
    column = table[recipe.column]
    row = first_true(column.isna())
    if row is not None:
        raise cell_fault(path, column, row, expected="the name of a sensor")
    return column


def _constant(path: Path, recipe: Sensor) -> str:
    if recipe.file is None:
        return str(recipe.value)
    match = re.search(recipe.file, path.name)
    if match is None or not match[1]:
        raise name_fault(path, recipe.file)
    return match[1]
