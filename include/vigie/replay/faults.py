"""Says which cell of a file is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vigie.errors import RecipeError


def first_true(wrong: ArrayLike) -> int | None:
    """The position of the first true value, None if there is none."""
    found = np.flatnonzero(wrong)
    return int(found[0]) if len(found) else None


def cell_fault(path: Path, column: pd.Series, row: int, *, expected: str) -> RecipeError:
    """The error for one cell; rows are counted from 1 after the header."""
    found = column.iloc[row]
    shown = "nothing" if pd.isna(found) else repr(str(found))
    return RecipeError(
        f"{path}, row {row + 1}, column {column.name!r}: found {shown}, expected {expected}"
    )


def name_fault(path: Path, pattern: str) -> RecipeError:
    """The error for a file whose name does not match a recipe's pattern."""
    return RecipeError(f"{path}: found {path.name!r}, expected a name that matches {pattern!r}")
