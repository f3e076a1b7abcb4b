"""Errors summed up by day, against numpy."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, delete, insert, text, update

from tests.monitoring.filled import fill, moment
from tests.unit.modelling.made_up import BEGIN, HOUR
from vigie.contract.feed import Feed, Model
from vigie.contract.loader import load_feeds
from vigie.modelling.readings import Readings
from vigie.monitoring.by_day import sum_up_days
from vigie.monitoring.predictions import known_errors
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

pytestmark = pytest.mark.warehouse

FEEDS = [feed for feed in load_feeds().values() if feed.scored_model]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


def block(feed: Feed) -> Model:
    assert feed.model is not None
    return feed.model


def hourly(feed: Feed, days: int, *, first: int = 0, sensors: int = 2) -> Readings:
    random = np.random.default_rng(days + first)
    count = days * 24
    times = np.repeat(BEGIN + (first * 24 + np.arange(count)) * HOUR, sensors)
    names = np.tile([f"s-{i}" for i in range(sensors)], count)
    target = random.normal(60, 5, len(times))
    target[random.random(len(times)) < 0.1] = np.nan
    return Readings(names, times, {block(feed).target: target})


def said(readings: Readings, feed: Feed, *, error: float = 3.0, seed: int = 1) -> Any:
    random = np.random.default_rng(seed)
    values = readings.values[block(feed).target] + random.normal(1.0, error, len(readings))
    values[random.random(len(readings)) < 0.1] = np.nan
    return values


def report(engine: Engine, version: int | None) -> dict[Any, Any]:
    query = text(
        "SELECT * FROM report.model_error WHERE version IS NOT DISTINCT FROM :version ORDER BY 3"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"version": version}).mappings()
        return {row["event_date"]: dict(row) for row in rows}


def expected(residuals: Any) -> dict[str, float]:
    return {
        "mae": np.mean(np.abs(residuals)),
        "rmse": np.sqrt(np.mean(residuals**2)),
        "bias": np.mean(residuals),
    }


@each_feed
def test_each_day_has_the_errors_of_its_known_labels(warehouse: Engine, feed: Feed) -> None:
    old, new = hourly(feed, 6), hourly(feed, 4, first=6)
    for readings, version in ((old, 1), (new, 2)):
        fill(warehouse, feed, readings, said(readings, feed, seed=version), version=version)
    now = moment(new.times[-1])

    assert sum_up_days(warehouse, feed, block(feed), now) == 9

    for version, readings in ((1, old), (2, new)):
        residuals = said(readings, feed, seed=version) - readings.values[block(feed).target]
        delay = np.timedelta64(block(feed).label_delay)
        known = np.isfinite(residuals) & (readings.times + delay <= new.times[-1])
        days = readings.times.astype("datetime64[D]")
        found = report(warehouse, version)
        assert [*found] == [day.item() for day in np.unique(days[known])]
        for day, row in found.items():
            of_day = residuals[known & (days == np.datetime64(day))]
            assert row["predictions"] == len(of_day)
            for name, value in expected(of_day).items():
                assert row[name] == pytest.approx(value)
            within = (days <= np.datetime64(day)) & (days > np.datetime64(day) - 3)
            for name, value in expected(residuals[known & within]).items():
                assert row[f"rolling_{name}"] == pytest.approx(value)
    together = report(warehouse, None)
    assert sum(row["predictions"] for row in together.values()) == sum(
        row["predictions"] for v in (1, 2) for row in report(warehouse, v).values()
    )


@each_feed
def test_only_days_that_changed_are_summed_up_again(warehouse: Engine, feed: Feed) -> None:
    first, second = hourly(feed, 5), hourly(feed, 2, first=5)
    fill(warehouse, feed, first, said(first, feed))
    now = moment(first.times[-1])
    assert sum_up_days(warehouse, feed, block(feed), now) == 4
    assert sum_up_days(warehouse, feed, block(feed), now) == 0

    fill(warehouse, feed, second, said(second, feed))
    now = moment(second.times[-1])
    assert sum_up_days(warehouse, feed, block(feed), now) == 3
    whole = report(warehouse, None)
    assert len(whole) == 6

    # Of the third day one reading goes, as a restatement would have it.
    table, counts = feed_tables(feed).prediction, core.day_count
    assert table is not None
    day = moment(first.times[2 * 48]).date()
    at = table.c.event_time
    midnight = datetime.combine(day, time(), UTC)
    gone = delete(table).where(at >= midnight, at < midnight + timedelta(days=1))
    with warehouse.begin() as connection:
        connection.execute(gone)
        connection.execute(
            update(counts)
            .where(counts.c.feed == feed.name, counts.c.event_date == day)
            .values(restated=-1)
        )
    assert sum_up_days(warehouse, feed, block(feed), now) == 1
    assert report(warehouse, None).keys() == whole.keys() - {day}


@each_feed
def test_an_error_counts_once_its_label_is_known(warehouse: Engine, feed: Feed) -> None:
    readings = hourly(feed, 3)
    fill(warehouse, feed, readings, said(readings, feed))
    begin, end = moment(readings.times[0]), moment(readings.times[-1]) - timedelta(hours=24)
    with warehouse.connect() as connection:
        errors, known = known_errors(connection, feed, block(feed), begin, end)
    residuals = np.abs(said(readings, feed) - readings.values[block(feed).target])
    of_time = readings.times <= np.datetime64(end.replace(tzinfo=None))
    there = np.isfinite(residuals) & of_time
    assert sorted(errors) == pytest.approx(sorted(residuals[there]))
    delay = np.timedelta64(block(feed).label_delay)
    assert sorted(known) == sorted(readings.times[there] + delay)


@each_feed
def test_what_a_version_was_trained_on_tells_nothing_of_it(warehouse: Engine, feed: Feed) -> None:
    readings = hourly(feed, 4)
    fill(warehouse, feed, readings, said(readings, feed))
    now = moment(readings.times.max())
    row = {"model": block(feed).name, "version": 1, "run_id": "r", "sha256": "s"}
    trained = {"trained_begin": moment(BEGIN), "trained_end": moment(BEGIN + 36 * HOUR)}
    with warehouse.begin() as connection:
        values = row | trained | {"judged_sha256": "j", "trained_rows": 36}
        connection.execute(insert(core.model_version).values(values))
    sum_up_days(warehouse, feed, block(feed), now)
    after = readings.take(readings.times > BEGIN + 36 * HOUR)
    with warehouse.connect() as connection:
        errors, known = known_errors(connection, feed, block(feed), moment(BEGIN), now)
        days = connection.execute(text("SELECT event_date FROM report.model_error")).scalars().all()
    assert 0 < len(errors) <= len(after)
    assert known.min() > BEGIN + 36 * HOUR
    assert BEGIN.astype("datetime64[D]").item() not in days
