"""Says which cell of a file is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vigie.errors import RecipeError

Refuse = Callable[[Path, pd.Series, Any, str], None]
"""Told of the cells of a column that are wrong (a mask), and of what was expected there.

A row's index is its place in the file, from 0 after the header.
"""


def refuse_first(path: Path, column: pd.Series, wrong: Any, expected: str) -> None:
    """Raise for the first wrong cell; rows are counted from 1 after the header.

    Raises:
        RecipeError: A cell is wrong.
    """
    found = np.flatnonzero(wrong)
    if len(found):
        row = found[0]
        message = f"found {shown(column.iloc[row])}, expected {expected}"
        where = f"row {column.index[row] + 1}, column {column.name!r}"
        raise RecipeError(f"{path}, {where}: {message}")


def shown(cell: Any) -> str:
    """A cell as a message shows it."""
    return "nothing" if pd.isna(cell) else repr(str(cell))


def name_fault(path: Path, pattern: str) -> RecipeError:
    """The error for a file whose name does not match a recipe's pattern."""
    return RecipeError(f"{path}: found {path.name!r}, expected a name that matches {pattern!r}")
