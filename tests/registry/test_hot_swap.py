"""A stream predicts with the newest champion that is sound, and with the last good one else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.svm import SVR

from tests.services import environment
from tests.warehouse.scoring import trained
from vigie.modelling.gate import Champion as Fits
from vigie.modelling.nox import FEATURES
from vigie.modelling.register import begin_run, open_client, register, set_aliases
from vigie.modelling.stored_fit import save_fit
from vigie.modelling.train import Fit
from vigie.modelling.versions import Release, record_event
from vigie.streaming.champion import Champion
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.hot_swap import HotSwap, MlflowRegistry
from vigie.warehouse.engines import get_engine
from vigie.warehouse.unscored import Unscored

pytestmark = pytest.mark.warehouse

MODEL = "nox"


class Foreign(BaseEstimator):
    """A type that is on no list of ours."""


def promote(fit: Fit | None = None) -> Release:
    """Register a version, make it champion, and say so in the warehouse, as training does."""
    fit = fit or trained()
    with open_client() as client:
        release = register(client, MODEL, begin_run(client, MODEL, {}), Fits(fit, fit))
        set_aliases(client, MODEL, {"champion": release.version})
    with get_engine().begin() as connection:
        record_event(connection, MODEL, "promoted", "a test", version=release.version)
    return release


def promote_tampered(folder: Path) -> Release:
    """Register a version, put another file in its place in the registry, and make it champion."""
    with open_client() as client:
        run = begin_run(client, MODEL, {})
        release = register(client, MODEL, run, Fits(trained(8), trained(8)))
        save_fit(replace(trained(), rows=99), folder / "model.skops")
        client.log_artifact(run, str(folder / "model.skops"), "model")
        set_aliases(client, MODEL, {"champion": release.version})
    return release


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Stream:
    """What a driver has of it."""

    def __init__(self, folder: Path) -> None:
        self.pulse = Pulse()
        self.swap = HotSwap(MODEL, MlflowRegistry(), folder, self.pulse)
        self.swap.start()

    @property
    def version(self) -> int | None:
        found = self.swap.find()
        return found.version if isinstance(found, Champion) else None

    @property
    def why(self) -> Unscored | None:
        """Why there is no model."""
        found = self.swap.find()
        return found if isinstance(found, Unscored) else None

    def says(self, word: str) -> bool:
        return word in (self.pulse.model or "")


@pytest.fixture
def launch(registry: str, tmp_path: Path) -> Iterator[Callable[[], Stream]]:
    """Launches of one stream on one machine; the registry knows no such model yet."""
    launched: list[Stream] = []

    def launch() -> Stream:
        launched.append(Stream(tmp_path / "models"))
        return launched[-1]

    with open_client() as client, suppress(Exception):
        client.delete_registered_model(MODEL)
    with environment(VIGIE_MODEL_LOOK="0.2"):
        yield launch
        for stream in launched:
            stream.swap.stop()


def test_a_champion_is_swapped_in_while_the_stream_runs(launch: Callable[[], Stream]) -> None:
    stream = launch()
    assert stream.why is Unscored.NO_MODEL

    first = promote()
    until(lambda: stream.version == first.version)
    found = stream.swap.find()
    assert isinstance(found, Champion)
    rows = np.random.default_rng(0).normal(50, 10, (5, found.estimator.n_features_in_))
    expected = trained().estimator.predict(rows)
    np.testing.assert_array_equal(found.estimator.predict(rows), expected)
    assert stream.pulse.model == f"version {first.version}"

    second = promote(trained(8))
    until(lambda: stream.version == second.version)
    assert second.version > first.version
    with open_client() as client:
        set_aliases(client, MODEL, {"champion": first.version})
    until(lambda: stream.version == first.version)


def test_a_registry_that_is_away_leaves_the_last_model_after_a_relaunch_too(
    launch: Callable[[], Stream], tmp_path: Path
) -> None:
    release = promote()
    stream = launch()
    until(lambda: stream.version == release.version)

    with environment(VIGIE_MLFLOW="http://127.0.0.1:1"):
        until(lambda: stream.says("does not answer"))
        assert stream.version == release.version
        relaunched = launch()
        assert relaunched.version == release.version
        until(lambda: relaunched.says("does not answer"))
        elsewhere = Stream(tmp_path / "nothing kept here")
        assert elsewhere.why is Unscored.REGISTRY_AWAY
        elsewhere.swap.stop()

    until(lambda: stream.pulse.model == f"version {release.version}")


def test_a_kept_file_that_was_changed_is_not_used_by_a_relaunch(
    launch: Callable[[], Stream], tmp_path: Path
) -> None:
    release = promote()
    stream = launch()
    until(lambda: stream.version == release.version)
    (kept,) = (tmp_path / "models").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")

    with environment(VIGIE_MLFLOW=""):
        assert launch().why is Unscored.REGISTRY_AWAY


def test_a_tampered_file_leaves_the_last_model(
    launch: Callable[[], Stream], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = promote()
    stream = launch()
    until(lambda: stream.version == good.version)
    with caplog.at_level("WARNING", "vigie.streaming.hot_swap"):
        bad = promote_tampered(tmp_path)
        until(lambda: stream.says("was changed"))
        time.sleep(1)

    assert stream.version == good.version
    assert stream.says(f"version {good.version}; model nox version {bad.version}")
    assert len([r for r in caplog.records if "was changed" in r.getMessage()]) == 1
    assert launch().version == good.version

    third = promote(trained(8))
    until(lambda: stream.version == third.version)


def test_a_type_that_is_not_listed_leaves_the_last_model(launch: Callable[[], Stream]) -> None:
    good = promote()
    stream = launch()
    until(lambda: stream.version == good.version)
    promote(replace(trained(), estimator=Foreign()))
    until(lambda: stream.says("not on our list of types"))
    assert stream.version == good.version


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"features": FEATURES[::-1]}, id="another order"),
        pytest.param(
            {"features": (), "estimator": SVR().fit(np.eye(3), np.arange(3.0))},
            id="fewer, in a file without names",
        ),
    ],
)
def test_other_features_leave_the_last_model(
    launch: Callable[[], Stream], changed: dict[str, Any]
) -> None:
    other = replace(trained(), **changed)
    promote(other)
    stream = launch()
    assert stream.why is Unscored.WRONG_FEATURES

    good = promote(replace(trained(), features=()))
    until(lambda: stream.version == good.version)
    promote(other)
    until(lambda: stream.says("was trained on other features"))
    assert stream.version == good.version


def test_a_first_champion_that_is_refused_leaves_none(launch: Callable[[], Stream]) -> None:
    promote(replace(trained(), estimator=Foreign()))
    stream = launch()
    assert stream.why is Unscored.REFUSED
    assert stream.says("none; model nox")


def test_a_registry_that_was_emptied_leaves_the_last_model(launch: Callable[[], Stream]) -> None:
    release = promote()
    stream = launch()
    until(lambda: stream.version == release.version)
    with open_client() as client:
        client.delete_registered_model(MODEL)
    until(lambda: stream.says("no version is champion"))
    assert stream.version == release.version
    assert launch().version == release.version
