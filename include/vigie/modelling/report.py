"""A backtest beside the model that is trained once and beside what has learned nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vigie.errors import ModelError
from vigie.modelling.backtest import Backtest
from vigie.modelling.dataset import Dataset
from vigie.modelling.figures import Part, part, parts
from vigie.modelling.learned import LearnedModel
from vigie.modelling.readings import Names, Numbers
from vigie.modelling.train import LEAST

STATIC = "static"


@dataclass(frozen=True)
class Report:
    """The figures of a backtest; `rows`, `predicted` and `static` are what they are made from."""

    overall: Part
    months: Sequence[Part]
    files: Sequence[Part]
    fits: int
    promotions: int
    rows: Dataset
    predicted: Numbers
    static: Numbers

    def as_json(self, seconds: float) -> dict[str, Any]:
        """For programs; `seconds` is how long the backtest took."""
        return {
            "overall": asdict(self.overall.model),
            "beside": _others(self.overall),
            "months": [{"month": month.name, **_part(month)} for month in self.months],
            "files": [{"file": file.name, **_part(file)} for file in self.files],
            "fits": self.fits,
            "promotions": self.promotions,
            "seconds": round(seconds, 1),
        }


def report(
    model: LearnedModel,
    data: Dataset,
    tested: Backtest,
    *,
    static_until: np.datetime64,
    months: Names,
    files: Names,
) -> Report:
    """Compare over the rows for which there is a label; a baseline over those it has a value for.

    The static model is trained once on all rows predicted before `static_until`. `months` and
    `files` have the label of every reading.

    Raises:
        ModelError: There are too few rows for the static model, or none to compare.
    """
    first = data.take((data.made < static_until) & np.isfinite(data.target))
    if len(first) < LEAST:
        raise ModelError(
            f"model {model.name}: found {len(first)} rows before {static_until}, "
            f"expected {LEAST} to train the static model on"
        )
    usable = np.isfinite(tested.rows.target) & np.isfinite(tested.predicted)
    rows, predicted = tested.rows.take(usable), tested.predicted[usable]
    if not len(rows):
        raise ModelError(f"model {model.name}: no row that was predicted has a label")
    static = model.static().fit(first.features, first.target).predict(rows.features)
    compared = (rows.target, predicted, {STATIC: static, **rows.baselines})
    return Report(
        overall=part("overall", *compared),
        months=parts(months[rows.rows], *compared),
        files=parts(files[rows.rows], *compared),
        fits=tested.fits,
        promotions=tested.promotions,
        rows=rows,
        predicted=predicted,
        static=static,
    )


def _part(of: Part) -> dict[str, Any]:
    return {"rows": of.rows, **asdict(of.model), **_others(of)}


def _others(of: Part) -> dict[str, Any]:
    baselines = {name: asdict(one) for name, one in of.others.items() if name != STATIC}
    return {STATIC: asdict(of.others[STATIC]), "baselines": baselines}
