"""Reads files by their recipes into one table in the order of event time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vigie.contract.feed import Feed
from vigie.errors import RecipeError
from vigie.replay.event_times import event_times
from vigie.replay.faults import Refuse, refuse_first
from vigie.replay.recipe import Recipe
from vigie.replay.senml import read_packs
from vigie.replay.sensors import sensors

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def read_files(files: Sequence[tuple[Path, Recipe]], feed: Feed) -> pd.DataFrame:
    """Read `files`, each by its recipe, as rows of `feed`.

    Columns: `sensor`, `event_time` (UTC, milliseconds), the fields, and where the recipe has them
    `latitude`, `longitude` and `status`; values are in the contract's units, missing ones NaN.
    Rows are ordered by event time; at equal times by file, then by row.

    Raises:
        RecipeError: A file cannot be read by its recipe; names file, row, column, found, expected.
    """
    frames = [read_file(path, recipe, feed) for path, recipe in files]
    together = pd.concat(frames, ignore_index=True)
    return together.sort_values("event_time", kind="stable", ignore_index=True)


def read_file(path: Path, recipe: Recipe, feed: Feed) -> pd.DataFrame:
    """Read one file in its own order; the columns are those of `read_files`.

    Raises:
        RecipeError: The file cannot be read by the recipe.
    """
    return read_rows(path, recipe, feed, refuse_first).reset_index(drop=True)


def read_rows(path: Path, recipe: Recipe, feed: Feed, refuse: Refuse) -> pd.DataFrame:
    """Read one file and hand wrong cells to `refuse`; whatever then stands in such a row is void.

    The index is each row's place in the file, from 0 after a header; empty lines do not count.

    Raises:
        RecipeError: The file as a whole cannot be read by the recipe, or `refuse` raised it.
    """
    if recipe.content == "senml":
        table = _packs(path, recipe, refuse)
    else:
        table = _table(path, recipe, feed)
    columns = {"sensor": sensors(path, table, recipe.sensor, refuse)}
    decimal = recipe.decimal
    columns["event_time"] = event_times(path, table, recipe.time, refuse)
    for column, spec in recipe.columns.items():
        if feed.fields[spec.field].type == "boolean":
            columns[spec.field] = _booleans(path, table[column], refuse)
        else:
            values = _numbers(path, table[column], decimal, refuse)
            columns[spec.field] = values if spec.factor == 1 else values * spec.factor
    if recipe.position:
        columns["latitude"] = _numbers(path, table[recipe.position.latitude], decimal, refuse)
        columns["longitude"] = _numbers(path, table[recipe.position.longitude], decimal, refuse)
    if recipe.status:
        columns["status"] = table[recipe.status]
    return pd.DataFrame(columns)


def _packs(path: Path, recipe: Recipe, refuse: Refuse) -> pd.DataFrame:
    texts, values = _wanted(recipe)
    table = read_packs(path, sorted(texts | values.keys()), recipe.encoding, refuse)
    for name, markers in values.items():
        table[name] = table[name].mask(table[name].isin(markers))
    return table


def _wanted(recipe: Recipe) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """The columns read as texts, and those with measurements with the markers of missing ones."""
    texts = {*recipe.time.columns, *filter(None, (recipe.sensor.column, recipe.status))}
    values = {name: recipe.missing + spec.missing for name, spec in recipe.columns.items()}
    if recipe.position:
        place = (recipe.position.latitude, recipe.position.longitude)
        values |= dict.fromkeys(place, recipe.missing)
    return texts, values


def _table(path: Path, recipe: Recipe, feed: Feed) -> pd.DataFrame:
    texts, values = _wanted(recipe)
    wanted = {*texts, *values}
    boolean = {c for c, spec in recipe.columns.items() if feed.fields[spec.field].type == "boolean"}
    markers = {name: ["", *([] if name in texts else values[name])] for name in wanted}
    try:
        table = pd.read_csv(
            path,
            sep=recipe.separator,
            decimal=recipe.decimal,
            encoding=recipe.encoding,
            usecols=lambda name: name in wanted,
            dtype=dict.fromkeys(texts | boolean, str),
            na_values=markers,
            keep_default_na=False,
            float_precision="round_trip",
            low_memory=False,
        )
    except (OSError, EOFError, ValueError, LookupError) as error:
        raise RecipeError(
            f"{path}: {error}; expected a CSV file in {recipe.encoding}, "
            f"separated by {recipe.separator!r}"
        ) from error
    absent = sorted(wanted - {*table.columns})
    if absent:
        raise RecipeError(
            f"{path}: no column {', '.join(map(repr, absent))}; expected all of "
            f"{', '.join(map(repr, sorted(wanted)))} separated by {recipe.separator!r}. "
            "Is it another format, with another recipe?"
        )
    table = table.reset_index(drop=True)
    return table.dropna(how="all") if recipe.time.columns else table


def _numbers(path: Path, column: pd.Series, decimal: str, refuse: Refuse) -> pd.Series:
    if column.dtype == float:
        numbers = column
    elif column.dtype == int:
        numbers = column.astype(float)
    else:
        # Text, since a cell is wrong; or words such as True that pandas takes for numbers.
        numbers = _parsed(column.astype(str).where(column.notna()), decimal)
    wrong = numbers.isna() & column.notna() | np.isinf(numbers)
    refuse(path, column, wrong, "a number or one of the missing markers")
    return numbers


def _parsed(texts: pd.Series, decimal: str) -> pd.Series:
    if decimal != ".":
        with_point = texts.str.contains(".", regex=False, na=False)
        texts = texts.mask(with_point).str.replace(decimal, ".", regex=False)
    # What pandas takes for a number it rounds, by a digit far behind; Python reads it exactly.
    numeric = pd.to_numeric(texts, errors="coerce").notna()
    return texts.where(numeric).astype(float)


def _booleans(path: Path, column: pd.Series, refuse: Refuse) -> pd.Series:
    booleans = column.str.lower().map(_BOOLEANS)
    wrong = booleans.isna() & column.notna()
    refuse(path, column, wrong, f"one of {', '.join(_BOOLEANS)}")
    return booleans
