from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from tests.unit.modelling.made_up import DAY, line
from vigie.errors import ModelError
from vigie.modelling.cadence import has_drifted, is_due
from vigie.modelling.correction import Correction
from vigie.modelling.dataset import Dataset
from vigie.modelling.gate import retrain
from vigie.modelling.readings import Readings


class OneFeature:
    """A learned model whose estimator the test chooses."""

    name = "one_feature"
    inputs = ()
    feature_names = ("feature",)
    rows: int | None = None
    drift_above = 1.0

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def dataset(self, readings: Readings, target: str, delay: np.timedelta64) -> Dataset:
        raise NotImplementedError

    def estimator(self) -> Any:
        return self._estimator

    static = estimator

    def correction(self, delay: np.timedelta64) -> Correction | None:
        return None


GOOD, BAD = OneFeature(LinearRegression()), OneFeature(DummyRegressor())


def test_the_first_challenger_passes_and_is_fitted_again_on_all() -> None:
    known = line(30)
    champion, verdict = retrain(BAD, known, None)
    assert verdict.passed
    assert verdict.champion is None
    assert champion.live.rows == len(known)
    assert champion.live.end == known.times[-1]
    assert champion.judged.end == known.times[-1] - 7 * DAY


def test_a_worse_challenger_does_not_pass_and_a_better_one_does() -> None:
    known = line(30)
    first, _ = retrain(GOOD, known.take(known.times < known.times[-1] - DAY), None)
    kept, verdict = retrain(BAD, known, first)
    assert kept is first
    assert not verdict.passed
    assert "is not within 2.0 times the champion's" in verdict.reason
    poor, _ = retrain(BAD, known.take(known.times < known.times[-1] - DAY), None)
    won, verdict = retrain(GOOD, known, poor)
    assert verdict.passed
    assert won.live.rows == len(known)
    assert verdict.challenger < (verdict.champion or 0)


def test_a_challenger_that_would_be_fitted_again_on_hours_for_months_does_not_pass() -> None:
    model = OneFeature(LinearRegression())
    model.rows = 500
    slow = line(60)
    champion, _ = retrain(model, slow.take(slice(0, 30 * 24)), None)
    places, begin = np.arange(len(slow)), slow.times[30 * 24]
    minutes = begin + (places - 30 * 24) * np.timedelta64(1, "m")
    faster = replace(slow, times=np.where(places < 30 * 24, slow.times, minutes))
    kept, verdict = retrain(model, faster, champion)
    assert kept is champion
    assert verdict.reason.startswith("fitted again it would know 8 hours alone")
    assert retrain(model, slow, champion)[1].passed


def test_a_champion_that_cannot_predict_makes_way() -> None:
    known = line(30)
    first, _ = retrain(GOOD, known, None)
    other = replace(first.judged, estimator=LinearRegression().fit(np.eye(3), np.arange(3)))
    won, verdict = retrain(GOOD, known, replace(first, judged=other))
    assert verdict.passed
    assert verdict.champion is None
    assert verdict.reason.startswith("the champion cannot predict (ValueError")
    assert won.judged.features == GOOD.feature_names


def test_neither_side_has_seen_the_week_that_judges() -> None:
    known = line(30)
    first, before = retrain(GOOD, known.take(known.times < known.times[-1] - DAY), None)
    changed = known.target.copy()
    changed[known.times > known.times[-1] - 7 * DAY] += 100
    spoiled = Dataset(**{**known.__dict__, "target": changed})
    _, verdict = retrain(GOOD, spoiled, first)
    assert before.challenger < 1
    assert verdict.challenger == pytest.approx(100, abs=1)
    assert verdict.champion == pytest.approx(100, abs=1)


def test_too_little_history_is_refused() -> None:
    with pytest.raises(ModelError, match="found 72 rows to train on, expected 100"):
        retrain(GOOD, line(10), None)
    with pytest.raises(ModelError, match="found 0 rows"):
        retrain(GOOD, line(10).take(slice(0, 0)), None)


def test_when_a_model_is_trained_again() -> None:
    begin = np.datetime64("2026-01-01", "ms")
    for cadence, days in (("daily", 1), ("weekly", 7), ("monthly", 30)):
        early, due = begin + (days - 1) * DAY, begin + days * DAY
        assert not is_due(cadence, early, begin, drifted=True)
        assert is_due(cadence, due, begin, drifted=False)
    assert is_due("drift", begin + DAY, begin, drifted=True)
    assert not is_due("drift", begin + 99 * DAY, begin, drifted=False)


def test_drift_is_judged_on_labels_known_in_the_last_three_days() -> None:
    now = np.datetime64("2026-01-10", "ms")
    known = now + np.array([-80, -71, -1, 1]) * np.timedelta64(1, "h")
    assert has_drifted(np.array([0.0, 3, 3, 0]), known, now, above=2)
    assert not has_drifted(np.array([9.0, 1, 1, 9]), known, now, above=2)
    assert not has_drifted(np.array([9.0, np.nan, np.nan, 9]), known, now, above=2)
