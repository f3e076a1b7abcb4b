from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.unit.modelling.made_up import meters, turbines
from vigie.modelling.gate import Champion, retrain
from vigie.modelling.learned import MODELS, LearnedModel
from vigie.modelling.readings import Numbers


@pytest.fixture
def registry(mlflow: str, warehouse: Engine) -> str:
    """A registry and an empty warehouse; each test takes a model name of its own."""
    return mlflow


@pytest.fixture
def name() -> str:
    """A model that no other test knows."""
    return f"model_{uuid4().hex[:8]}"


@pytest.fixture(scope="session", params=MODELS.values(), ids=lambda model: model.name)
def trained(request: pytest.FixtureRequest) -> tuple[Champion, Numbers]:
    """Each learned model trained on made-up readings, and features to predict from."""
    model: LearnedModel = request.param
    readings = turbines(1500, seed=1) if model.name == "nox" else meters(60, seed=1)
    target = "nox" if model.name == "nox" else "kwh"
    data = model.dataset(readings, target, np.timedelta64(24, "h"))
    champion, _ = retrain(model, data.known_by(data.times[-1]), None)
    return champion, data.features[-200:]
