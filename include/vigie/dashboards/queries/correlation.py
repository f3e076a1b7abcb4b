"""Pearson's correlation coefficient, which one database has and the other is told to compute."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FunctionElement
from sqlalchemy.ext.compiler import compiles

from vigie.warehouse.types import NUMBER


class Correlation(FunctionElement[float]):
    """Of the rows where both are known; null where there are fewer than two, or one is constant."""

    type = NUMBER
    inherit_cache = True

    def __init__(self, one: ColumnElement[Any], other: ColumnElement[Any]) -> None:
        super().__init__(one, other)


@compiles(Correlation)
def _corr(element: Correlation, compiler: Any, **options: Any) -> str:
    return f"corr({compiler.process(element.clauses, **options)})"


@compiles(Correlation, "mssql")
def _corr_tsql(element: Correlation, compiler: Any, **options: Any) -> str:
    x, y = (compiler.process(each, **options) for each in element.clauses)
    both = f"CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL THEN 1.0E0 END"
    # STDEVP over the same rows; the mean of products less the product of means.
    one, other = f"({x}) * ({both})", f"({y}) * ({both})"
    covariance = f"AVG(({x}) * ({y})) - AVG({one}) * AVG({other})"
    return f"({covariance}) / NULLIF(STDEVP({one}) * STDEVP({other}), 0)"
