from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.registry.stored import store_readings
from tests.services import environment
from tests.unit.modelling.made_up import BEGIN, HOUR, turbines
from vigie.cli import app
from vigie.errors import ModelError, RegistryAway, TooLittleHistory
from vigie.modelling import log_training, nox
from vigie.modelling.champions import (
    decline_challenger,
    promote_challenger,
    return_to_previous,
)
from vigie.modelling.history import read_training_history
from vigie.modelling.learned import find_model
from vigie.modelling.nox import Nox
from vigie.modelling.readings import Readings
from vigie.modelling.register import open_client
from vigie.modelling.registry import find_aliases, find_champion
from vigie.modelling.train import challenge
from vigie.modelling.training import train
from vigie.modelling.versions import recent_events
from vigie.settings import get_settings
from vigie.warehouse.core import model_version
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.warehouse

MODEL, FEED, BLOCK = find_model("nox")


def learnable(days: int, *, begin: int = 0, spoiled: bool = False, seed: int = 0) -> Readings:
    """Hourly readings of two turbines from day `begin` on, whose NOx follows two inputs."""
    made = turbines(days * 48, seed=seed + begin, missing=0.0)
    hours = np.repeat(np.arange(days * 24), 2)
    values = dict(made.values)
    noise = np.random.default_rng(seed).normal(size=len(made))
    values["nox"] = 50 + values["at"] / 2 + values["tey"] / 10 + noise
    if spoiled:
        values["nox"] = 500 - values["nox"]
    names = np.tile(["turbine-0", "turbine-1"], days * 24)
    return Readings(names, BEGIN + (begin * 24 + hours) * HOUR, values)


@pytest.fixture
def empty_registry(registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No version of the model yet; few trees, and importances of few rows, to be quick."""
    with open_client() as client:
        if find_aliases("nox") or client.search_registered_models("name = 'nox'"):
            client.delete_registered_model("nox")
    monkeypatch.setattr(log_training, "_SHUFFLED", 20)
    monkeypatch.setattr(nox, "_TREES", 4)


def kinds() -> list[tuple[str, int | None, str]]:
    with get_engine().connect() as connection:
        return [(e.kind, e.version, e.person) for e in recent_events(connection, "nox", limit=99)]


def test_from_the_first_challenger_to_the_return_to_it(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))

    first = train("nox", person="ada")

    assert first.version is not None
    assert find_aliases("nox") == {"challenger": first.version}
    assert find_champion("nox") is None
    promote_challenger("nox", first.version, person="ada")
    promote_challenger("nox", first.version, person="ada")
    assert find_aliases("nox") == {"champion": first.version}
    with get_engine().connect() as connection:
        kept = connection.execute(select(model_version)).one()
    assert kept.trained_rows == 2 * 29 * 24
    assert kept.trained_end == datetime(2026, 1, 29, 23, tzinfo=UTC)

    store_readings(FEED, learnable(3, begin=30))
    second = train("nox")
    assert second.version == first.version + 1
    assert "within 2.0 times the champion's" in second.reason
    promote_challenger("nox", second.version)
    assert find_aliases("nox") == {"champion": second.version, "previous": first.version}

    assert return_to_previous("nox", person="ada", reason="it was better") == first.version
    assert find_aliases("nox") == {"champion": first.version, "previous": second.version}
    assert kinds() == [
        ("registered", first.version, "ada"),
        ("promoted", first.version, "ada"),
        ("registered", second.version, "vigie"),
        ("promoted", second.version, "vigie"),
        ("returned", first.version, "ada"),
    ]


def test_a_run_says_what_it_was_made_from_and_how_good_it_is(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))

    outcome = train("nox")

    with open_client() as client:
        run = client.get_run(outcome.run_id)
        artefacts = {
            file.path
            for folder in ("", "plots", "model")
            for file in client.list_artifacts(outcome.run_id, folder or None)
            if not file.is_dir
        }
    assert run.info.status == "FINISHED"
    assert run.data.params["week_begin"] == "2026-01-23T00:00:00.000"
    assert run.data.params["week_end"] == "2026-01-29T23:00:00.000"
    assert run.data.params["judged_end"] == "2026-01-22T23:00:00.000"
    assert run.data.metrics["error"] == pytest.approx(outcome.error)
    assert run.data.metrics["week_r2"] > 0.5
    assert artefacts == {
        *("features.json", "estimator.txt", "environment.txt"),
        *("plots/predicted_and_actual.png", "plots/residuals.png", "plots/importances.png"),
        *("model/model.skops", "model/judged.skops"),
    }


def test_a_challenger_that_spoiled_data_made_is_refused(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))
    first = train("nox").version
    assert first is not None
    promote_challenger("nox", first)
    store_readings(FEED, learnable(60, begin=30, spoiled=True))
    store_readings(FEED, learnable(8, begin=90))

    refused = train("nox")

    assert refused.version is None
    assert "is not within" in refused.reason
    assert find_aliases("nox") == {"champion": first}
    assert kinds()[-1] == ("refused", None, "vigie")


def test_a_declined_challenger_leaves_the_champion(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))
    version = train("nox").version
    assert version is not None

    decline_challenger("nox", version, person="grace")

    assert find_aliases("nox") == {}
    assert kinds()[-1] == ("declined", version, "grace")
    with pytest.raises(ModelError, match="is not the challenger"):
        promote_challenger("nox", version)


def test_a_champion_that_was_tampered_with_gives_way(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))
    first = train("nox")
    assert first.version is not None
    promote_challenger("nox", first.version)
    for file in (get_settings().state / "models").glob("nox-*"):
        file.unlink()
    with open_client() as client:
        client.log_text(first.run_id, "something else", "model/judged.skops")

    second = train("nox")

    assert second.version == first.version + 1
    assert "the champion cannot be loaded" in second.reason
    assert "judged.skops in the registry was changed" in second.reason


def test_without_enough_history_nothing_is_trained(empty_registry: None) -> None:
    with pytest.raises(TooLittleHistory, match="gas_turbine has no reading yet"):
        train("nox")
    store_readings(FEED, learnable(9))
    with pytest.raises(TooLittleHistory, match="found 48 rows to train on, expected 100"):
        train("nox")

    assert kinds() == []


def test_a_registry_that_is_away_changes_nothing(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))
    version = train("nox").version
    assert version is not None
    before = kinds()

    with environment(VIGIE_MLFLOW="http://127.0.0.1:1"):
        for attempt in (
            lambda: train("nox"),
            lambda: promote_challenger("nox", version),
            lambda: return_to_previous("nox", reason="none"),
        ):
            with pytest.raises(RegistryAway, match=r"http://127\.0\.0\.1:1 does not answer"):
                attempt()

    assert kinds() == before
    assert find_aliases("nox") == {"challenger": version}


def test_one_process_trains_at_a_time(empty_registry: None) -> None:
    store_readings(FEED, learnable(30))
    with open_warehouse().hold("model nox"), pytest.raises(ModelError, match="another process"):
        train("nox")


def test_there_is_nothing_to_return_to_at_first(empty_registry: None) -> None:
    with pytest.raises(ModelError, match="no previous version"):
        return_to_previous("nox", reason="none")


class FewRows(Nox):
    """The model, trained on so few rows that most of a history is not needed."""

    rows = 120


def test_no_more_history_is_read_than_training_needs(empty_registry: None) -> None:
    readings = learnable(60)
    readings.values["nox"][::7] = np.nan
    store_readings(FEED, readings)
    now = readings.times.max().item().replace(tzinfo=UTC)
    delay = np.timedelta64(BLOCK.label_delay).astype("timedelta64[ms]")

    read = read_training_history(FewRows(), FEED, BLOCK, now)

    # A week to judge on, a day without labels, and for training 120 labels and 48 rows before.
    assert len(read) < len(readings) / 2
    moment = np.datetime64(now.replace(tzinfo=None), "ms")
    made = [
        challenge(FewRows(), FewRows().dataset(part, "nox", delay).known_by(moment))
        for part in (readings, read)
    ]
    assert made[0].judged.begin == made[1].judged.begin
    assert np.array_equal(made[0].week.features, made[1].week.features, equal_nan=True)
    predicted = [one.judged.estimator.predict(made[0].week.features) for one in made]
    assert np.array_equal(*predicted)


def test_the_command_trains_lists_and_returns(empty_registry: None) -> None:
    runner = CliRunner()
    store_readings(FEED, learnable(30))

    trained = runner.invoke(app, ["model", "train", "nox"])
    again = runner.invoke(app, ["model", "train", "nox", "--no-promote"])
    champion, challenger = find_aliases("nox")["champion"], find_aliases("nox")["challenger"]
    promoted = runner.invoke(app, ["model", "promote", "nox", str(challenger)])
    back = runner.invoke(app, ["model", "return", "nox", "--reason", "a test"])

    assert [trained.exit_code, again.exit_code, promoted.exit_code, back.exit_code] == [0] * 4
    assert f"version {champion} is champion" in back.output
    listed = runner.invoke(app, ["model", "list"])
    assert "champion" in listed.output
    assert "previous" in listed.output
    history = runner.invoke(app, ["model", "history", "nox"])
    assert "a test" in history.output
    unknown = runner.invoke(app, ["model", "train", "no_such_model"])
    assert unknown.exit_code == 2
