from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import SettingsError
from vigie.simulator.faults import KINDS
from vigie.simulator.moments import history
from vigie.simulator.simulation import Simulation

START = datetime(2026, 3, 2, tzinfo=UTC)
COUNT = 2400
FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)


def struck(feed: Feed, *kinds: str, rate: float = 0.05) -> tuple[list[bytes], Simulation]:
    step = feed.late_after / 10
    simulation = Simulation(feed, 4, fault_rate=rate, fault_kinds=kinds, every=step)
    moments = history(4, start=START, step=step, count=COUNT)
    return [message.value for message in simulation.messages(moments)], simulation


@each_feed
def test_equal_arguments_give_equal_faults_and_equal_bytes(feed: Feed) -> None:
    first, again = struck(feed), struck(feed)
    assert first[0] == again[0]
    assert first[1].tally == again[1].tally


@each_feed
def test_every_fault_the_feed_has_a_place_for_strikes(feed: Feed) -> None:
    _, simulation = struck(feed)
    missing = set(KINDS) - set(simulation.tally.faults)
    expected = {"battery"} if "battery" not in feed.fields else set()
    assert missing == expected | (set() if feed.position else {"swapped"})


@each_feed
def test_the_tally_agrees_with_the_bytes(feed: Feed) -> None:
    values, simulation = struck(feed)
    fates = simulation.tally.fates
    seen: dict[tuple[str, str], bytes] = {}
    found: Counter[str] = Counter()
    for value in values:
        message = orjson.loads(value)
        if not isinstance(message, dict) or feed.sensor not in message:
            found["malformed"] += 1
            continue
        identity = (message[feed.sensor], message[feed.event_time])
        if identity[1] == "noon":
            found["malformed"] += 1
        elif identity[1] > "2050":
            found["future"] += 1
        elif feed.position and abs(message[feed.position.latitude]) > 90:
            found["position"] += 1
        elif identity not in seen:
            seen[identity] = value
            found["stored"] += 1
        else:
            found["copies" if seen[identity] == value else "conflicting_copy"] += 1
    assert found == fates
    assert simulation.tally.sent == len(values)


@each_feed
def test_without_faults_all_is_stored(feed: Feed) -> None:
    _, simulation = struck(feed, rate=0)
    assert simulation.tally.fates == {"stored": COUNT}
    assert not simulation.tally.faults


def test_gaps_are_missing_and_nothing_else_changes() -> None:
    feed = FEEDS["gas_turbine"]
    whole, _ = struck(feed, rate=0)
    values, simulation = struck(feed, "gaps")
    assert set(values) < set(whole)
    assert len(whole) - len(values) == simulation.tally.faults["gaps"]


def test_late_messages_come_in_bursts_and_none_is_lost() -> None:
    feed = FEEDS["environment"]
    whole, _ = struck(feed, rate=0)
    values, simulation = struck(feed, "late")
    assert sorted(values) == sorted(whole)
    newest, late = "", 0
    for value in values:
        at = orjson.loads(value)[feed.event_time]
        newest = max(newest, at)
        age = datetime.fromisoformat(newest) - datetime.fromisoformat(at)
        late += age > feed.late_after
    assert 0 < late <= simulation.tally.faults["late"]


def test_a_stuck_sensor_repeats_its_values() -> None:
    feed = FEEDS["air_quality"]
    values, simulation = struck(feed, "stuck")
    last: dict[str, tuple[float, ...]] = {}
    repeated = 0
    for value in values:
        message = orjson.loads(value)
        fields = tuple(message[name] for name in feed.fields)
        repeated += last.get(message[feed.sensor]) == fields
        last[message[feed.sensor]] = fields
    assert repeated == simulation.tally.faults["stuck"] > 0


def test_a_dying_battery_warns_and_fails() -> None:
    feed = FEEDS["environment"]
    values, _ = struck(feed, "battery")
    assert feed.status is not None
    words = Counter(orjson.loads(value)[feed.status.field] for value in values)
    assert words["WARN"] > 5
    assert words["FAULT"] > 5
    assert len(values) < COUNT


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(SettingsError, match=r"gremlins.*expected some of gaps"):
        struck(FEEDS["fleet"], "gremlins")


@each_feed
def test_as_many_readings_are_late_as_asked_for_however_often_they_are_taken(feed: Feed) -> None:
    every = feed.late_after / 50
    simulation = Simulation(feed, 20, fault_rate=0.05, fault_kinds=["late"], every=every)
    moments = history(20, start=START, step=every, count=60_000)
    assert sum(1 for _ in simulation.messages(moments)) == 60_000
    assert 0.02 < simulation.tally.faults["late"] / 60_000 < 0.1
