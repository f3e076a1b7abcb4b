from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import orjson
import pytest

from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.simulator.model import habits_of
from vigie.simulator.moments import history, live, on_the_clock, paced
from vigie.simulator.simulation import Simulation

START = datetime(2026, 1, 5, tzinfo=UTC)
FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)


def year(feed: Feed, *, seed: int = 1, sensors: int = 3, at_once: int = 50) -> list[bytes]:
    moments = history(sensors, start=START, step=timedelta(hours=29), count=100 * sensors)
    made = Simulation(feed, sensors, seed=seed).messages(moments, at_once=at_once)
    return [message.value for message in made]


@each_feed
def test_the_same_seed_gives_the_same_bytes_however_they_are_cut(feed: Feed) -> None:
    assert year(feed) == year(feed, at_once=7) == year(feed, at_once=10_000)


@each_feed
def test_a_later_start_gives_the_same_readings(feed: Feed) -> None:
    whole = year(feed, sensors=1)
    later = history(1, start=START + timedelta(hours=29 * 50), step=timedelta(hours=29), count=9)
    assert [m.value for m in Simulation(feed, 1).messages(later, at_once=1)] == whole[50:59]


@each_feed
def test_another_seed_or_sensor_gives_other_values(feed: Feed) -> None:
    assert year(feed, seed=1) != year(feed, seed=2)
    of_sensor: dict[str, list[float]] = {}
    for message in map(orjson.loads, year(feed)):
        of_sensor.setdefault(message[feed.sensor], []).append(message[next(iter(feed.fields))])
    first, second, third = of_sensor.values()
    assert first != second != third != first


@each_feed
def test_every_reading_is_whole_and_inside_its_valid_ranges(feed: Feed) -> None:
    for value in year(feed):
        message = orjson.loads(value)
        for name, field in feed.fields.items():
            low, high = field.valid or (-1e9, 1e9)
            assert low <= message[field.path] <= high, name
        if feed.position:
            assert -90 <= message[feed.position.latitude] <= 90
            assert -180 <= message[feed.position.longitude] <= 180
        if feed.status:
            known = (*feed.status.ok, *feed.status.warning, *feed.status.fault)
            assert message[feed.status.field] in known


@each_feed
def test_a_first_history_is_some_weeks_and_no_more_than_200000_rows(feed: Feed) -> None:
    habits = habits_of(feed)
    assert timedelta(weeks=2) <= habits.history
    assert habits.rows <= 200_000


def test_history_steps_all_sensors_together() -> None:
    moments = [*history(2, start=START, step=timedelta(minutes=1), count=5)]
    assert [sensor for sensor, _ in moments] == [0, 1, 0, 1, 0]
    assert [(at - START).seconds for _, at in moments] == [0, 0, 60, 60, 120]


def test_live_readings_of_a_sensor_never_share_a_millisecond() -> None:
    before = datetime.now(UTC)
    endless = live(2, rate=1e9, at_once=1, wait=lambda _: False)
    moments = [*islice(endless, 400)]
    for sensor in (0, 1):
        times = [at for number, at in moments if number == sensor]
        assert all(earlier < later for earlier, later in pairwise(times))
        assert all(at.microsecond % 1000 == 0 for at in times)
        assert abs(times[0] - before) < timedelta(seconds=5)


def test_live_readings_are_made_at_their_rate_whatever_becomes_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr("vigie.simulator.moments.time.monotonic", lambda: clock[0])

    def wait(seconds: float) -> bool:
        clock[0] += seconds
        return clock[0] > 110

    made = [*live(3, rate=200, at_once=4, wait=wait)]
    assert len(made) == pytest.approx(2000, abs=5)
    assert {sensor for sensor, _ in made} == {0, 1, 2}


def test_paced_readings_fall_on_the_clock_after_it_was_reached() -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) > 3

    every = timedelta(days=1)
    moments = [*paced(2, every=every, wait=wait)]
    assert moments == [], "midnight was not reached"
    assert all(0 < seconds <= 86_400 for seconds in waits)

    every = timedelta(milliseconds=20)
    moments = [*islice(paced(2, every=every, wait=lambda _: False), 6)]
    assert [sensor for sensor, _ in moments] == [0, 1] * 3
    assert all(on_the_clock(at, every) == at <= datetime.now(UTC) for _, at in moments)
