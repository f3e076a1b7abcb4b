"""Alert episodes on a real database: which messages a batch leaves, and what the view shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, text

from tests.dialects import both_dialects
from tests.readings import APPENDED, accepted
from tests.warehouse.test_store import batch, new_launch, new_store
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import Superseded
from vigie.streaming.flag import flag_column
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables

pytestmark = pytest.mark.warehouse

FEEDS = [feed for feed in load_feeds().values() if feed.alerts]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)

Reading = tuple[str, int, bool | None]
"""Sensor, seconds after the start, whether the first rule flags it (None: no such field)."""


def readings(feed: Feed, rows: list[Reading], *, first_offset: int = 0, ago: float = 1) -> Split:
    """Accepted readings that began `ago` minutes before they were appended."""
    start = APPENDED - timedelta(minutes=ago)
    made = accepted(
        feed,
        [(sensor, start + timedelta(seconds=s), s % 40) for sensor, s, _ in rows],
        first_offset=first_offset,
    )
    rule = next(iter(feed.alerts.values()))
    table = made.accepted
    name = rule.when.field
    kind = table.schema.field(name).type
    values = [
        None if flag is None else value
        for value, (_, _, flag) in zip(table[name].to_pylist(), rows, strict=True)
    ]
    late = timedelta(minutes=ago) > feed.late_after
    for column, content in (
        (name, pa.array(values, kind)),
        (flag_column(rule.name), pa.array([bool(flag) for _, _, flag in rows])),
        ("is_late", pa.array([late] * len(rows))),
    ):
        table = table.set_column(table.column_names.index(column), column, content)
    return replace(made, accepted=table)


@contextmanager
def store_of(engine: Engine, feed: Feed, launch: int = 1) -> Iterator[Store]:
    store = new_store(engine, feed, launch)
    try:
        yield store
    finally:
        store.close()


def messages(engine: Engine) -> list[dict[str, Any]]:
    query = select(core.alert_outbox.c.message).order_by(core.alert_outbox.c.message_no)
    with engine.connect() as connection:
        return [json.loads(message) for message in connection.execute(query).scalars()]


def kinds(engine: Engine) -> list[str]:
    return [message["kind"] for message in messages(engine)]


def view(engine: Engine, feed: Feed) -> list[Any]:
    query = text(
        "SELECT sensor, raised, cleared, peak, readings "
        f"FROM report.{feed.name}_episode ORDER BY sensor, raised"
    )
    with engine.connect() as connection:
        return list(connection.execute(query))


@each_feed
def test_a_live_episode_leaves_two_messages(warehouse: Engine, feed: Feed) -> None:
    rows: list[Reading] = [("s", 0, False), ("s", 1, True), ("s", 2, True), ("s", 3, False)]
    rule = next(iter(feed.alerts.values()))

    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, rows)))

    raised, cleared = messages(warehouse)
    assert (raised["kind"], cleared["kind"]) == ("raised", "cleared")
    assert raised["since"] == cleared["since"] == raised["event_time"]
    assert raised["id"] != cleared["id"]
    start = APPENDED - timedelta(minutes=1)
    assert datetime.fromisoformat(raised["since"]) == start + timedelta(seconds=1)
    assert datetime.fromisoformat(cleared["event_time"]) == start + timedelta(seconds=3)
    assert (raised["rule"], raised["severity"]) == (rule.name, rule.severity)
    ((sensor, since, until, peak, count),) = view(warehouse, feed)
    assert (sensor, count, peak) == ("s", 2, cleared["peak"])
    assert (since, until) == (start + timedelta(seconds=1), start + timedelta(seconds=3))


@each_feed
def test_late_and_replayed_readings_are_in_the_view_and_leave_no_message(
    warehouse: Engine, feed: Feed
) -> None:
    rows: list[Reading] = [("s", 0, True), ("s", 1, True), ("s", 2, False), ("s", 3, True)]
    ago = feed.late_after / timedelta(minutes=1) + 60
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, rows, ago=ago)))
        store.store(batch(readings(feed, rows, ago=ago, first_offset=4), begin=4))
        store.store(batch(readings(feed, [("s", 5, False)], first_offset=8), begin=8))
        # Not late, but older than the sensor's newest.
        store.store(batch(readings(feed, [("s", 4, True)], first_offset=9), begin=9))

    assert messages(warehouse) == []
    assert [row.readings for row in view(warehouse, feed)] == [2, 2]


def test_a_reading_without_the_field_says_nothing(warehouse: Engine) -> None:
    feed = FEEDS[0]
    rows: list[Reading] = [("s", 0, True), ("s", 1, None), ("s", 2, True)]

    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, rows)))

    assert kinds(warehouse) == ["raised"]
    assert [(row.readings, row.cleared) for row in view(warehouse, feed)] == [(2, None)]


def test_an_open_episode_survives_the_driver(warehouse: Engine) -> None:
    feed = FEEDS[0]
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, True)])))
    with store_of(warehouse, feed, 2) as store:
        store.store(batch(readings(feed, [("s", 1, True)], first_offset=1), begin=1))
        store.store(batch(readings(feed, [("s", 2, False)], first_offset=2), begin=2))

    raised, cleared = messages(warehouse)
    assert cleared["kind"] == "cleared"
    assert cleared["since"] == raised["event_time"]


@both_dialects
def test_the_episodes_of_a_rule_that_is_gone_are_closed_without_a_message(
    warehouse: Engine,
) -> None:
    feed = FEEDS[0]
    name, rule = next(iter(feed.alerts.items()))
    others = {key: alert for key, alert in feed.alerts.items() if key != name}
    renamed = replace(feed, alerts={**others, "renamed": replace(rule, name="renamed")})
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, True)])))
    with store_of(warehouse, renamed, 2) as store:
        store.store(batch(renamed_flags(readings(feed, [("s", 1, True)], first_offset=1)), begin=1))

    assert [(m["rule"], m["kind"]) for m in messages(warehouse)] == [
        (name, "raised"),
        ("renamed", "raised"),
    ]
    query = (
        select(core.rule.c.rule)
        .join(core.alert_state, core.alert_state.c.rule_id == core.rule.c.rule_id)
        .where(core.alert_state.c.since.is_not(None))
    )
    with warehouse.connect() as connection:
        assert connection.execute(query).scalars().all() == ["renamed"]


def renamed_flags(split: Split) -> Split:
    """The same readings with the first rule under its new name."""
    old = flag_column(next(iter(FEEDS[0].alerts)))
    names = [flag_column("renamed") if n == old else n for n in split.accepted.column_names]
    return replace(split, accepted=split.accepted.rename_columns(names))


@both_dialects
@each_feed
def test_rules_and_status_words_follow_the_contract(warehouse: Engine, feed: Feed) -> None:
    other: Any = {"info": "warning", "warning": "critical", "critical": "info"}
    alerts = {
        name: replace(alert, severity=other[alert.severity]) for name, alert in feed.alerts.items()
    }
    status = feed.status and replace(
        feed.status, ok=feed.status.fault, fault=feed.status.ok, warning=feed.status.warning
    )
    changed = replace(feed, alerts=alerts, status=status)

    numbers = []
    for launch, contract in enumerate((feed, changed, changed), 1):
        with store_of(warehouse, contract, launch) as store:
            store.open()
        numbers.append(dimensions(warehouse))

    assert numbers[0] != numbers[1] == numbers[2]
    rules, words = numbers[1]
    told = {(rule, severity, field) for _, rule, severity, field in rules}
    assert told == {(name, rule.severity, rule.when.field) for name, rule in alerts.items()}
    assert [row[:2] for row in rules] == [row[:2] for row in numbers[0][0]]
    assert [row[:2] for row in words] == [row[:2] for row in numbers[0][1]]
    levels = {word: level for _, word, level in words}
    for level in ("ok", "warning", "fault"):
        assert status is None or {levels[w] for w in getattr(status, level)} <= {level}


def dimensions(engine: Engine) -> tuple[list[Any], list[Any]]:
    """Rules and status words with their numbers, and what is said of them."""
    rule, word = core.rule.c, core.status.c
    rules = select(rule.rule_id, rule.rule, rule.severity, rule.field).order_by(rule.rule_id)
    words = select(word.status_id, word.status, word.level).order_by(word.status_id)
    with engine.connect() as connection:
        return list(connection.execute(rules)), list(connection.execute(words))


def test_a_superseded_driver_leaves_no_message(warehouse: Engine) -> None:
    feed = FEEDS[0]
    with store_of(warehouse, feed) as old:
        old.store(batch(readings(feed, [("s", 0, False)])))
        new_launch(warehouse, feed, 2)
        with pytest.raises(Superseded):
            old.store(batch(readings(feed, [("s", 1, True)], first_offset=1), begin=1))

    assert messages(warehouse) == []


def test_a_batch_that_is_rolled_back_leaves_its_message_once(warehouse: Engine) -> None:
    feed = FEEDS[0]
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, False)])))
    with warehouse.begin() as connection:
        connection.execute(delete(core.sensor_clock))
    with store_of(warehouse, feed, 2) as store:
        # The first attempt hits the stored key and is undone; the careful one stores the second.
        rows: list[Reading] = [("s", 0, False), ("s", 1, True)]
        store.store(batch(readings(feed, rows, first_offset=1), begin=1))

    assert kinds(warehouse) == ["raised"]


def expected(rows: list[Reading]) -> list[tuple[str, str, int]]:
    """The messages, found reading by reading."""
    newest: dict[str, int] = {}
    opened: set[str] = set()
    found = []
    for sensor, seconds, flag in rows:
        if seconds <= newest.get(sensor, -1):
            continue
        newest[sensor] = seconds
        if flag is None or flag == (sensor in opened):
            continue
        (opened.add if flag else opened.discard)(sensor)
        found.append((sensor, "raised" if flag else "cleared", seconds))
    return found


cases = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 25),
        st.sampled_from([True, False, None]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda reading: reading[:2],
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=cases, cuts=st.sets(st.integers(1, 29), max_size=5))
def test_cuts_between_batches_change_no_message(
    warehouse: Engine, rows: list[Reading], cuts: set[int]
) -> None:
    feed = FEEDS[0]
    empty(warehouse, feed)
    begins = [0, *sorted(cut for cut in cuts if cut < len(rows))]
    with store_of(warehouse, feed) as store:
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
            store.store(batch(readings(feed, rows[begin:end], first_offset=begin), begin=begin))

    start = APPENDED - timedelta(minutes=1)
    found = [
        (m["sensor"], m["kind"], round((datetime.fromisoformat(m["event_time"]) - start).seconds))
        for m in messages(warehouse)
    ]
    assert sorted(found) == sorted(expected(rows))
    with warehouse.connect() as connection:
        still = select(core.alert_state.c.sensor_id).where(core.alert_state.c.since.is_not(None))
        count = len(connection.execute(still).all())
    raised = sum(kind == "raised" for _, kind, _ in found)
    assert count == 2 * raised - len(found)


def empty(engine: Engine, feed: Feed) -> None:
    mine = (core.alert_outbox, core.alert_state, core.alert, core.ledger, core.sensor_clock)
    with engine.begin() as connection:
        for table in (*mine, core.day_count, core.fence, core.launch, *feed_tables(feed)):
            connection.execute(delete(table))
