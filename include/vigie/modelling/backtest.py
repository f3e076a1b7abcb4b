"""Prequential evaluation: history is lived through again, day by day, as production would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vigie.errors import ModelError
from vigie.modelling.cadence import DAY, Cadence, has_drifted, is_due
from vigie.modelling.correction import Correction
from vigie.modelling.dataset import Dataset
from vigie.modelling.gate import Champion, Verdict, retrain
from vigie.modelling.learned import LearnedModel
from vigie.modelling.readings import Numbers


@dataclass(frozen=True)
class Backtest:
    """The rows that were predicted, in order, what was said of each, and what training did.

    A fit counts once, though one that passes the gate is made twice: without the newest week, and
    then with it.
    """

    rows: Dataset
    predicted: Numbers
    verdicts: tuple[Verdict, ...]

    @property
    def fits(self) -> int:
        """How often a model was trained."""
        return len(self.verdicts)

    @property
    def promotions(self) -> int:
        """How often what was trained became champion."""
        return sum(verdict.passed for verdict in self.verdicts)


def run_backtest(
    model: LearnedModel,
    data: Dataset,
    *,
    begin: np.datetime64,
    cadence: Cadence,
    delay: np.timedelta64,
    on_day: Callable[[], object] = lambda: None,
) -> Backtest:
    """Predict every row made from `begin` on, training on `cadence`; `on_day` after each day.

    At each moment only labels known by then are used: for training, gate, correction and drift.

    Raises:
        ModelError: Nothing is to be predicted, or there is too little to train on.
    """
    ahead = data.take(data.made >= begin)
    if not len(ahead):
        raise ModelError(f"model {model.name}: no reading from {begin} on")
    correction = model.correction(delay)
    predicted = np.full(len(ahead), np.nan)
    champion, verdict = retrain(model, data.known_by(begin), None)
    verdicts, trained, done = [verdict], begin, 0
    for now in np.arange(begin, ahead.made[-1] + DAY, DAY):
        end = int(np.searchsorted(ahead.made, now + DAY))
        if end == done:
            continue
        errors = np.abs(predicted[:done] - ahead.target[:done])
        drifted = has_drifted(errors, ahead.known[:done], now, model.drift_above)
        if is_due(cadence, now, trained, drifted=drifted):
            champion, verdict = retrain(model, data.known_by(now), champion)
            verdicts.append(verdict)
            trained = now
        predicted[done:end] = score(champion, correction, ahead.take(slice(done, end)))
        done = end
        on_day()
    return Backtest(ahead, predicted, tuple(verdicts))


def score(champion: Champion, correction: Correction | None, rows: Dataset) -> Numbers:
    """What the champion says of `rows`; the correction learns from them for later."""
    predicted: Numbers = champion.live.estimator.predict(rows.features)
    if correction is None:
        return predicted
    return correction.apply(rows.sensors, rows.made, predicted, rows.target)
