"""Reads files by recipe: the rows that can be read, and what is wrong with the others."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vigie.collection.report import Report
from vigie.contract.feed import Feed
from vigie.errors import RecipeError
from vigie.replay.faults import shown
from vigie.replay.read import read_rows
from vigie.replay.recipe import Recipe
from vigie.replay.send import messages
from vigie.replay.senml import numbered_lines


def read_table(
    path: Path, feed: Feed, recipes: Mapping[str, Recipe], report: Report
) -> Iterator[tuple[bytes, bytes]]:
    """Key and message of each row that can be read; the lines of the others go into `report`.

    The recipe is the one that reads files of this name.

    Raises:
        RecipeError: No recipe, or more than one, reads files of this name, or the file as a whole
            cannot be read.
    """
    recipe = _recipe(path, recipes)
    faults: dict[int, str] = {}

    def refuse(_: Path, column: pd.Series, wrong: Any, expected: str) -> None:
        for row in np.flatnonzero(wrong).tolist():
            found = shown(column.iloc[row])
            at = f"column {column.name!r}: found {found}, expected {expected}"
            faults.setdefault(column.index[row], at)

    rows = read_rows(path, recipe, feed, refuse)
    lines, wide = _survey(path, recipe)
    faults |= wide
    if len(rows) and rows.index[-1] >= len(lines):
        raise RecipeError(f"expected a CSV file separated by {recipe.separator!r}")
    report.read = len(rows.index.union(list(wide)))
    for row in sorted(faults):
        report.refuse(lines[row], faults[row])
    yield from messages(feed, rows.drop(index=[row for row in faults if row in rows.index]))


def _recipe(path: Path, recipes: Mapping[str, Recipe]) -> Recipe:
    fitting = [recipe for recipe in recipes.values() if recipe.reads(path.name)]
    if len(fitting) != 1:
        formats = "\n".join(f"- {', '.join(r.files)}: {r.title}" for r in recipes.values())
        raise RecipeError(
            f"{'no format is' if not fitting else 'more than one format is'} agreed for files of "
            "this name. A file of JSON lines ends in .jsonl; names of CSV files, and their "
            f"formats:\n{formats or '- none is agreed for this feed'}"
        )
    return fitting[0]


def _survey(path: Path, recipe: Recipe) -> tuple[list[int], dict[int, str]]:
    """The line each row ends at, and the rows that have more cells than the header.

    In such a row a cell may stand under the wrong column, as 1,5 for 1.5 does.
    """
    if recipe.content == "senml":
        return [line for line, _ in numbered_lines(path, recipe.encoding)], {}
    lines: list[int] = []
    wide: dict[int, str] = {}
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=recipe.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=recipe.separator)
        rows = (row for row in reader if "".join(row[:2]).strip() or len(row) > 1)
        width = len(next(rows, []))
        for row in rows:
            if not lines:
                width = _checked_width(width, row)
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                wide[len(lines)] = f"found {len(row)} values, expected at most {width}"
            lines.append(reader.line_num)
    return lines, wide


def _checked_width(header: int, first: list[str]) -> int:
    """Cells of a row: rows may begin with a number of their own, that the header does not name."""
    if len(first) > header and not first[-1].strip():
        message = f"line 2 has {len(first)} values, the last one empty; the header has {header}"
        raise RecipeError(message)
    return max(header, len(first))
