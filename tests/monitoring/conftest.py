from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sqlalchemy import Engine

from vigie.modelling.gate import Champion
from vigie.modelling.learned import MODELS
from vigie.modelling.register import begin_run, open_client, register, set_aliases
from vigie.modelling.train import Fit


@pytest.fixture
def registry(mlflow: str, warehouse: Engine) -> str:
    """A registry without any of our models, and an empty warehouse."""
    with open_client() as client:
        for name in MODELS:
            for alias in ("champion", "challenger", "previous"):
                set_aliases(client, name, {alias: None})
    return mlflow


def publish(
    name: str,
    value: float,
    trained: tuple[np.datetime64, np.datetime64],
    alias: str,
    *,
    other: bool = False,
) -> int:
    """Register a model that always says `value`, of other features if told; give it the alias."""
    features = np.zeros((2, len(MODELS[name].feature_names)))
    estimator = DummyRegressor(strategy="constant", constant=value).fit(features, [0.0, 0.0])
    names = ("of an older version",) if other else ()
    fit = Fit(estimator, *(at.astype("datetime64[ms]") for at in trained), 2, names)
    with open_client() as client:
        run = begin_run(client, name, {})
        release = register(client, name, run, Champion(live=fit, judged=replace(fit, rows=1)))
        set_aliases(client, name, {alias: release.version})
    return release.version
