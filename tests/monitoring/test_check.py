"""A look at a model: when it asks for a training, and when it returns to the version before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from tests.monitoring.conftest import publish
from tests.monitoring.filled import fill
from tests.services import environment
from tests.unit.modelling.made_up import BEGIN, DAY, HOUR
from vigie.cli import app
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.modelling.learned import MODELS, StreamedModel
from vigie.modelling.readings import Readings
from vigie.modelling.registry import find_aliases
from vigie.modelling.versions import recent_events
from vigie.monitoring.check import check_model
from vigie.monitoring.clock import due_models
from vigie.monitoring.record import forget_old_checks

pytestmark = pytest.mark.warehouse

FEEDS = [feed for feed in load_feeds().values() if feed.scored_model]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


def name_of(feed: Feed) -> str:
    assert feed.model is not None
    return feed.model.name


def hourly(feed: Feed, days: int, *, first: int = 0, level: float = 60.0) -> Readings:
    """One sensor's hours, whose target is always `level`."""
    assert feed.model is not None
    model = MODELS[name_of(feed)]
    assert isinstance(model, StreamedModel)
    random = np.random.default_rng(first)
    times = BEGIN + first * DAY + np.arange(days * 24) * HOUR
    values = {
        name: random.uniform(*(feed.fields[name].valid or (0.0, 1.0)), len(times))
        for name in model.inputs
    }
    names = np.full(len(times), "s-1")
    return Readings(names, times, values | {feed.model.target: np.full(len(times), level)})


def said(readings: Readings, value: float) -> Any:
    return np.full(len(readings), value)


def look(feed: Feed) -> Any:
    found = check_model(name_of(feed))
    assert found is not None
    return found


@pytest.fixture
def no_registry(warehouse: Engine) -> Iterator[None]:
    with environment(VIGIE_MLFLOW=""):
        yield


@each_feed
def test_without_a_reading_there_is_nothing_to_look_at(no_registry: None, feed: Feed) -> None:
    assert check_model(name_of(feed)) is None


@each_feed
def test_without_a_registry_errors_are_kept_and_nothing_is_asked(
    no_registry: None, warehouse: Engine, feed: Feed
) -> None:
    readings = hourly(feed, 20)
    fill(warehouse, feed, readings, said(readings, 90.0))
    found = look(feed)
    assert (found.outcome, found.emits, found.error) == ("registry away", False, 30.0)
    with warehouse.connect() as connection:
        days = connection.execute(text("SELECT count(*) FROM report.model_error")).scalar_one()
    assert days == 2 * 19


@each_feed
def test_the_first_training_is_asked_for_once_there_is_data(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    fill(warehouse, feed, hourly(feed, 11))
    found = look(feed)
    assert found.outcome == "quiet"
    assert "too little to train on" in found.reason

    fill(warehouse, feed, hourly(feed, 3, first=11))
    assert look(feed).outcome == "no champion"
    # The training is on its way.
    again = look(feed)
    assert (again.outcome, again.emits) == ("quiet", False)
    fill(warehouse, feed, hourly(feed, 3, first=14))
    assert look(feed).outcome == "quiet"
    # It left no champion, and a minute passed.
    _pass_minutes(warehouse, 2)
    assert look(feed).outcome == "no champion"
    _pass_minutes(warehouse, 61)
    assert look(feed).outcome == "no champion"


@each_feed
def test_drift_asks_once_for_the_same_day_of_event_time(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    good = hourly(feed, 20)
    fill(warehouse, feed, good, said(good, 61.0))
    version = publish(name_of(feed), 61.0, (BEGIN, BEGIN + 10 * DAY), "champion")
    found = look(feed)
    assert (found.outcome, found.version, found.error) == ("quiet", version, 1.0)
    assert found.labels == 72

    bad = hourly(feed, 3, first=20, level=75.0)
    fill(warehouse, feed, bad, said(bad, 61.0))
    found = look(feed)
    assert (found.outcome, found.emits) == ("drift", True)
    assert found.error == pytest.approx((24 * 1.0 + 48 * 14.0) / 72)
    again = look(feed)
    assert (again.outcome, again.emits) == ("quiet", False)
    assert "was asked for" in again.reason

    more = hourly(feed, 1, first=23, level=75.0)
    fill(warehouse, feed, more, said(more, 61.0))
    assert look(feed).outcome == "drift"


@each_feed
def test_a_champion_that_does_worse_on_new_labels_makes_way(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    name = name_of(feed)
    readings = hourly(feed, 20)
    fill(warehouse, feed, readings, said(readings, 61.0))
    before = publish(name, 61.0, (BEGIN, BEGIN + 10 * DAY), "previous")
    worse = publish(name, 90.0, (BEGIN, BEGIN + 15 * DAY), "champion")

    found = look(feed)

    assert (found.outcome, found.version, found.emits) == ("returned", worse, False)
    assert find_aliases(name) == {"champion": before, "previous": worse}
    with warehouse.connect() as connection:
        (event,) = recent_events(connection, name, limit=9)
    assert (event.kind, event.version) == ("returned", before)
    assert "90 labels" not in event.reason
    assert "error 30 on" in event.reason
    # It stays: the one that was sent back does no better.
    fill(warehouse, feed, hourly(feed, 2, first=20))
    assert look(feed).outcome == "quiet"
    assert find_aliases(name)["champion"] == before


@each_feed
def test_a_champion_about_as_good_as_before_stays(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    name = name_of(feed)
    fill(warehouse, feed, hourly(feed, 20))
    publish(name, 61.0, (BEGIN, BEGIN + 10 * DAY), "previous")
    champion = publish(name, 61.2, (BEGIN, BEGIN + 15 * DAY), "champion")
    assert look(feed).outcome == "quiet"
    assert find_aliases(name)["champion"] == champion


@each_feed
def test_too_few_new_labels_decide_nothing(registry: str, warehouse: Engine, feed: Feed) -> None:
    name = name_of(feed)
    fill(warehouse, feed, hourly(feed, 20))
    publish(name, 61.0, (BEGIN, BEGIN + 10 * DAY), "previous")
    publish(name, 90.0, (BEGIN, BEGIN + 18 * DAY + 2 * HOUR), "champion")
    assert look(feed).outcome == "quiet"
    # An hour or two later there are enough, long before another training.
    fill(warehouse, feed, hourly(feed, 1, first=20).take(slice(0, 6)))
    assert look(feed).outcome == "returned"


@each_feed
def test_a_champion_of_other_features_is_trained_anew_and_one_before_it_is_left(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    name, trained = name_of(feed), (BEGIN, BEGIN + 10 * DAY)
    fill(warehouse, feed, hourly(feed, 20))
    publish(name, 61.0, trained, "previous")
    publish(name, 61.0, trained, "champion", other=True)
    found = look(feed)
    assert found.outcome == "no champion"
    assert "was trained on other features" in found.reason
    publish(name, 60.0, trained, "previous", other=True)
    publish(name, 90.0, trained, "champion")
    assert look(feed).outcome == "quiet"


@each_feed
def test_inputs_are_compared_with_the_training_once_a_day(
    registry: str, warehouse: Engine, feed: Feed
) -> None:
    name, model = name_of(feed), MODELS[name_of(feed)]
    moved, *others = model.inputs
    readings = hourly(feed, 20)
    high = (feed.fields[moved].valid or (0.0, 1.0))[1]
    readings.values[moved][-80:] = high
    fill(warehouse, feed, readings)
    publish(name, 60.0, (BEGIN, BEGIN + 15 * DAY), "champion")
    look(feed)
    look(feed)
    with warehouse.connect() as connection:
        rows = connection.execute(text("SELECT field, distance FROM report.model_input")).all()
    distances = {field: distance for field, distance in rows}
    assert len(rows) == len(model.inputs)
    assert distances[moved] == 1.0
    assert all(0.0 <= distances[field] < 0.3 for field in others)


@each_feed
def test_a_model_is_due_again_after_an_hour_of_event_time(
    no_registry: None, warehouse: Engine, feed: Feed
) -> None:
    def due() -> set[str]:
        with warehouse.connect() as connection:
            return {*due_models(connection, load_feeds().values())}

    assert due() == set()
    fill(warehouse, feed, hourly(feed, 2))
    assert due() == {name_of(feed)}
    look(feed)
    assert due() == set()
    fill(warehouse, feed, hourly(feed, 1, first=2))
    assert due() == {name_of(feed)}
    look(feed)
    # The registry was away, which is looked into sooner than all else.
    _pass_minutes(warehouse, 2)
    assert due() == {name_of(feed)}
    with warehouse.begin() as connection:
        connection.execute(text("UPDATE ops.model_check SET outcome = 'quiet'"))
    assert due() == set()
    _pass_minutes(warehouse, 61)
    assert due() == {name_of(feed)}


@each_feed
def test_the_command_shows_errors_and_the_last_look(
    no_registry: None, warehouse: Engine, feed: Feed
) -> None:
    readings = hourly(feed, 5)
    fill(warehouse, feed, readings, said(readings, 62.0))
    name = name_of(feed)
    empty = CliRunner().invoke(app, ["model", "error", name])
    assert "nobody has looked yet" in empty.output
    look(feed)
    shown = CliRunner().invoke(app, ["model", "error", "--days", "2"])
    assert shown.exit_code == 0, shown.output
    assert "2026-01-04" in shown.output
    assert "registry away" in shown.output
    as_json = CliRunner().invoke(app, ["model", "error", name, "--json"])
    assert '"rolling_mae": 2.0' in as_json.output
    assert CliRunner().invoke(app, ["model", "error", "nix"]).exit_code == 2


def _pass_minutes(engine: Engine, minutes: int) -> None:
    """Let what was asked for lie back so long."""
    moved = "UPDATE ops.model_check SET at = at - make_interval(mins => :minutes)"
    with engine.begin() as connection:
        connection.execute(text(moved), {"minutes": minutes})


@each_feed
def test_looks_are_forgotten_after_ninety_days(
    no_registry: None, warehouse: Engine, feed: Feed
) -> None:
    fill(warehouse, feed, hourly(feed, 2))
    look(feed)
    _pass_minutes(warehouse, 91 * 24 * 60)
    look(feed)
    with warehouse.begin() as connection:
        assert [forget_old_checks(connection) for _ in range(2)] == [1, 0]
