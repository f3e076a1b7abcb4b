from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from sklearn.svm import SVR
from sqlalchemy import Engine

from tests.unit.modelling.made_up import meters, turbines
from vigie.modelling.gate import Champion, retrain
from vigie.modelling.learned import MODELS, LearnedModel
from vigie.modelling.readings import Numbers
from vigie.modelling.train import Fit


@pytest.fixture
def registry(mlflow: str, warehouse: Engine) -> str:
    """A registry and an empty warehouse; each test takes a model name of its own."""
    return mlflow


@pytest.fixture
def name() -> str:
    """A model that no other test knows."""
    return f"model_{uuid4().hex[:8]}"


@pytest.fixture
def small() -> Champion:
    """A champion of a few bytes."""
    features = np.arange(20.0)[:, None]
    begin, end = np.datetime64("2026-01-01", "ms"), np.datetime64("2026-02-01", "ms")
    fit = Fit(SVR(kernel="linear").fit(features, features.ravel()), begin, end, 20)
    return Champion(live=fit, judged=replace(fit, rows=10))


@pytest.fixture(scope="session", params=MODELS.values(), ids=lambda model: model.name)
def trained(request: pytest.FixtureRequest) -> tuple[Champion, Numbers]:
    """Each learned model trained on made-up readings, and features to predict from."""
    model: LearnedModel = request.param
    readings = turbines(1500, seed=1) if model.name == "nox" else meters(60, seed=1)
    target = "nox" if model.name == "nox" else "kwh"
    data = model.dataset(readings, target, np.timedelta64(24, "h"))
    champion, _ = retrain(model, data.known_by(data.times[-1]), None)
    return champion, data.features[-200:]
