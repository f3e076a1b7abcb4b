from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import orjson
import pytest

from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.simulator.run import history, live, messages

START = datetime(2026, 1, 5, tzinfo=UTC)
FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)


def year(feed: Feed, *, seed: int = 1, sensors: int = 3) -> list[tuple[bytes, bytes]]:
    moments = history(sensors, start=START, step=timedelta(hours=29), count=300 * sensors)
    return list(messages(feed, moments, sensors=sensors, seed=seed))


@each_feed
def test_the_same_seed_gives_the_same_bytes(feed: Feed) -> None:
    assert year(feed) == year(feed)


@each_feed
def test_another_seed_or_sensor_gives_other_values(feed: Feed) -> None:
    assert year(feed, seed=1) != year(feed, seed=2)
    values = [orjson.loads(value) for _, value in year(feed)[:3]]
    fields = {tuple(message[name] for name in feed.fields) for message in values}
    assert len(fields) == 3


@each_feed
def test_every_reading_is_whole_and_inside_its_valid_ranges(feed: Feed) -> None:
    for key, value in year(feed):
        message = orjson.loads(value)
        assert message[feed.sensor] == key.decode()
        for name, field in feed.fields.items():
            low, high = field.valid or (-1e9, 1e9)
            assert low <= message[field.path] <= high, name
        if feed.position:
            assert -90 <= message[feed.position.latitude] <= 90
        if feed.status:
            assert message[feed.status.field] in feed.status.ok


def test_history_steps_all_sensors_together() -> None:
    moments = [*history(2, start=START, step=timedelta(minutes=1), count=5)]
    assert [sensor for sensor, _ in moments] == [0, 1, 0, 1, 0]
    assert [(at - START).seconds for _, at in moments] == [0, 0, 60, 60, 120]


def test_live_readings_of_a_sensor_never_share_a_millisecond() -> None:
    before = datetime.now(UTC)
    moments = [*islice(live(2), 400)]
    for sensor in (0, 1):
        times = [at for number, at in moments if number == sensor]
        assert all(earlier < later for earlier, later in pairwise(times))
        assert all(at.microsecond % 1000 == 0 for at in times)
        assert abs(times[0] - before) < timedelta(seconds=5)
