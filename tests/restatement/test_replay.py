"""Quarantined messages judged again by a mended contract: what passes is stored, the rest stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine, func, insert, select, update

from tests.readings import message, place, plausible
from tests.restatement.pool import (
    DAY,
    NOON,
    Stream,
    arrange,
    judged,
    messages,
    out_of_range,
    run_stream,
    store_batches,
    widened,
)
from tests.services import environment
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement import replay as replay_module
from vigie.restatement.due import is_due
from vigie.restatement.record import Why, recent
from vigie.restatement.replay import replay_quarantine
from vigie.restatement.replayed import Replayed
from vigie.restatement.waiting import Chosen
from vigie.streaming.check import RAW_KEPT
from vigie.warehouse import core
from vigie.warehouse.feed_tables import feed_tables, value_columns

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]

FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("name", FEEDS)
WHY = Why("tests", "the range was wrong")
Pools = dict[tuple[str, bool], pa.Table]


@pytest.fixture(scope="module")
def pools(spark: SparkSession) -> Pools:
    """Per feed the same messages judged by its contract, and by a wider one."""
    found = {}
    for number, (name, feed) in enumerate(FEEDS.items()):
        made = messages(feed, np.random.default_rng(100 + number), 900)
        found[name, False] = judged(spark, feed, made)
        found[name, True] = judged(spark, widened(feed), made)
    return found


@pytest.fixture
def opened() -> Iterator[list[Stream]]:
    streams: list[Stream] = []
    yield streams
    for stream in streams:
        stream.store.close()


@pytest.fixture(autouse=True)
def no_documents(warehouse: Engine) -> Iterator[None]:
    """Documents have tests of their own; no server runs here."""
    with environment(VIGIE_DOCUMENTS=""):
        yield


def told_messages(engine: Engine) -> int:
    with engine.connect() as connection:
        query = select(func.count()).select_from(core.alert_outbox)
        return int(connection.scalar(query) or 0)


def start(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str, seed: int, parts: int = 3
) -> Stream:
    rng = np.random.default_rng(seed)
    rows = arrange(pools[name, False], rng, parts, loose=False)
    stream = run_stream(warehouse, FEEDS[name], rows, rng)
    opened.append(stream)
    return stream


def by_wider(stream: Stream, pools: Pools) -> pa.Table:
    """The stream's records as the wider contract judges them, at the same coordinates."""
    wide = pools[stream.feed.name, True]
    rows = wide.take(pc.index_in(stream.records["append_time"], value_set=wide["append_time"]))
    for name in ("kafka_partition", "kafka_offset"):
        rows = rows.set_column(rows.column_names.index(name), name, stream.records[name])
    return rows


def replay(
    spark: SparkSession,
    stream: Stream,
    feed: Feed | None = None,
    chosen: Chosen | None = None,
    **options: Any,
) -> Replayed:
    mended = feed or widened(stream.feed)
    return replay_quarantine(
        spark, mended, chosen or Chosen(), WHY, engine=stream.engine, **options
    )


def assert_clean(stream: Stream) -> None:
    assert reconcile(stream.feed, stream.engine, patience=0.1).unaccounted == ()


def waiting(stream: Stream) -> dict[tuple[int, int], str]:
    return {(r[0], r[1]): r.reason for r in stream.quarantine() if r.released_at is None}


def expected(stream: Stream, wide: pa.Table) -> dict[str, list[tuple[int, int]]]:
    """What must become of each waiting message, found one by one."""
    names = ["kafka_partition", "kafka_offset", "sensor", "event_time", "fault"]
    values = [n for n in value_columns(stream.feed) if n != "status_id"]
    values += ["status"] if stream.feed.status else []
    rows = wide.select([*names, *values]).to_pylist()
    places = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
    held = {}
    with stream.engine.connect() as connection:
        reading = feed_tables(stream.feed).reading.c
        stored = connection.execute(select(reading.kafka_partition, reading.kafka_offset)).all()
    for coordinates in stored:
        row = places[coordinates[0], coordinates[1]]
        held[row["sensor"], row["event_time"]] = [row[v] for v in values]
    found: dict[str, list[tuple[int, int]]] = {"fresh": [], "copies": [], "conflicts": []}
    bytes_kept = {p for p, reason in waiting(stream).items() if reason != "conflicting_copy"}
    for waits in sorted(bytes_kept):
        row = places[waits]
        if row["fault"] is not None:
            continue
        key, mine = (row["sensor"], row["event_time"]), [row[v] for v in values]
        kind = "fresh" if key not in held else "copies" if held[key] == mine else "conflicts"
        held.setdefault(key, mine)
        found[kind].append(waits)
    return found


@each_feed
def test_what_passes_now_is_stored_and_the_rest_keeps_its_row(
    spark: SparkSession, warehouse: Engine, pools: Pools, opened: list[Stream], name: str
) -> None:
    stream = start(warehouse, pools, opened, name, 1)
    before, was = stream.rows(), waiting(stream)
    due = expected(stream, by_wider(stream, pools))
    told = told_messages(warehouse)

    done = replay(spark, stream, most=70)

    assert done.stored == len(due["fresh"]) > 0
    assert done.copies == len(due["copies"])
    assert done.quarantined.get("conflicting_copy", 0) == len(due["conflicts"])
    assert done.without_bytes == sum(reason == "conflicting_copy" for reason in was.values())
    assert {p for p in was if p not in waiting(stream)} == {*due["fresh"], *due["copies"]}
    for lost in due["conflicts"]:
        assert waiting(stream)[lost] == "conflicting_copy"
    reading = feed_tables(stream.feed).reading.name
    came = [row for row in stream.rows()[reading] if row not in before[reading]]
    assert sorted((r["kafka_partition"], r["kafka_offset"]) for r in came) == sorted(due["fresh"])
    assert all(row in stream.rows()[reading] for row in before[reading])
    assert told_messages(warehouse) == told
    assert_clean(stream)
    account = reconcile(stream.feed, warehouse, patience=0.1)
    assert (account.restated, account.released) == (done.stored, done.released)
    rows = recent(warehouse, name, 1000)
    assert {row["source"] for row in rows} == {"quarantine"}
    assert sum(row["came"] for row in rows) == done.stored
    assert sum(row["released"] for row in rows) == done.released
    assert all(row["rolled_up_at"] is not None for row in rows)
    again = replay(spark, stream)
    assert (again.stored, again.told_anew) == (0, 0)
    assert again.quarantined.get("conflicting_copy", 0) == len(due["conflicts"])


@each_feed
def test_a_restatement_from_the_lake_finds_a_replayed_day_as_it_should_be(
    spark: SparkSession, warehouse: Engine, pools: Pools, opened: list[Stream], name: str
) -> None:
    rng = np.random.default_rng(2)
    wide, feed = pools[name, True], FEEDS[name]
    # One record of each identity: which of two is stored is not what is asked here.
    sensors, times = wide["sensor"].to_pylist(), wide["event_time"].to_pylist()
    firsts = {key: n for n, key in reversed([*enumerate(zip(sensors, times, strict=True))])}
    rows = arrange(pools[name, False].take(sorted(firsts.values())), rng, 3, loose=False)
    stream = run_stream(warehouse, feed, rows, rng)
    opened.append(stream)
    stream.restate()
    assert not is_due(feed, DAY, warehouse)

    done = replay(spark, stream)

    assert done.stored > 0
    assert DAY in done.days
    assert is_due(feed, DAY, warehouse)
    restated = stream.restate(by_wider(stream, pools), feed=widened(feed))
    assert restated.batch_no is None
    assert (restated.came, restated.went, restated.released) == (0, 0, 0)
    assert not is_due(feed, DAY, warehouse)
    # With the old contract they go again, and wait as before.
    back = stream.restate()
    assert back.went > 0
    assert_clean(stream)


@pytest.fixture
def stream(warehouse: Engine, pools: Pools, opened: list[Stream]) -> Stream:
    return start(warehouse, pools, opened, "environment", 3, parts=1)


def test_only_what_was_chosen_is_replayed(spark: SparkSession, stream: Stream) -> None:
    q = core.quarantine.c
    with stream.engine.begin() as connection:
        old = q.kafka_offset < 200
        moment = datetime.now(UTC) - timedelta(hours=5)
        connection.execute(update(core.quarantine).where(old).values(quarantined_at=moment))
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    was = waiting(stream)

    assert replay(spark, stream, chosen=Chosen(reason="malformed")).stored == 0
    assert replay(spark, stream, chosen=Chosen(sensor="nobody")).quarantined == {}
    replay(spark, stream, chosen=Chosen(reason="out_of_range", until=hours_ago))
    early = {p for p in was if p not in waiting(stream)}
    assert early
    assert max(offset for _, offset in early) < 200
    told = replay(spark, stream, chosen=Chosen(since=hours_ago), dry_run=True)
    sensors = [f"s-{number}" for number in range(5)]
    apart = [
        replay(spark, stream, chosen=Chosen(sensor=sensor, since=hours_ago)).released
        for sensor in sensors
    ]
    late = {p for p in was if p not in waiting(stream)} - early
    assert sum(apart) == told.released == len(late)
    assert sum(count > 0 for count in apart) > 1
    assert min(offset for _, offset in late) >= 200
    assert_clean(stream)


def test_a_dry_run_tells_the_same_and_writes_nothing(spark: SparkSession, stream: Stream) -> None:
    before, kept = stream.rows(), stream.quarantine()

    told = replay(spark, stream, dry_run=True)

    assert told.stored > 0
    assert (stream.rows(), stream.quarantine()) == (before, kept)
    assert recent(stream.engine, stream.feed.name, 10) == []
    assert replay(spark, stream) == told


def test_a_message_that_was_cut_or_has_no_bytes_stays(spark: SparkSession, stream: Stream) -> None:
    q = core.quarantine.c
    with stream.engine.begin() as connection:
        mine = select(q.kafka_offset).where(q.reason == "out_of_range").limit(5)
        cut = connection.execute(mine).scalars().all()
        values = {"raw": b"{" * RAW_KEPT, "raw_length": RAW_KEPT + 1}
        connection.execute(update(core.quarantine).where(q.kafka_offset.in_(cut)).values(values))
    was = {row[:4] for row in stream.quarantine()}

    done = replay(spark, stream)

    assert done.stored > 0
    assert done.cut == len(cut)
    assert done.without_bytes > 0
    left = {row[:4] for row in stream.quarantine() if row.released_at is None}
    assert {row for row in was if row[1] in cut} <= left
    assert_clean(stream)


def test_a_message_of_an_expired_day_stays(spark: SparkSession, stream: Stream) -> None:
    told = replay(spark, stream, dry_run=True)
    with stream.engine.begin() as connection:
        day = {"feed": stream.feed.name, "event_date": DAY, "stored": 1, "restated": 0}
        t = core.day_count.c
        mine = (t.feed == stream.feed.name, t.event_date == DAY)
        if not connection.execute(update(core.day_count).where(*mine).values(expired=1)).rowcount:
            connection.execute(insert(core.day_count).values(day | {"expired": 1}))

    done = replay(spark, stream)

    assert done.expired > 0
    assert done.stored + done.expired >= told.stored
    assert DAY in told.days
    assert DAY not in done.days


def test_what_still_fails_gets_the_reason_of_now_and_keeps_its_bytes(
    spark: SparkSession, stream: Stream
) -> None:
    field, beyond = out_of_range(stream.feed)
    old = stream.feed.fields[field]
    assert old.valid is not None
    other = replace(old, valid=(old.valid[0], beyond - 5))
    feed = replace(stream.feed, fields=stream.feed.fields | {field: other})

    done = replay(spark, stream, feed)

    assert done.stored == 0
    assert done.told_anew == done.quarantined["out_of_range"] > 0
    told = [row for row in stream.quarantine() if row.reason == "out_of_range"]
    assert all(f"{beyond - 5:g}" in row.detail for row in told)
    (record, *_) = recent(stream.engine, stream.feed.name, 100)
    assert (record["came"], record["source"]) == (0, "quarantine")
    assert_clean(stream)
    assert replay(spark, stream).stored > 0


def test_a_conflicting_copy_keeps_its_bytes(spark: SparkSession, stream: Stream) -> None:
    replay(spark, stream)
    t = core.quarantine.c
    conflicts = (t.reason == "conflicting_copy", t.raw.is_not(None))
    with stream.engine.connect() as connection:
        kept = connection.execute(select(t.raw, t.raw_length).where(*conflicts)).all()
    assert kept
    assert all(len(row.raw) == row.raw_length for row in kept)


def test_the_stream_goes_on_and_counts_what_was_replayed_as_copies(
    spark: SparkSession, stream: Stream, pools: Pools
) -> None:
    replay(spark, stream)
    wide = replace(stream, feed=widened(stream.feed), records=by_wider(stream, pools))
    stream.store._feed = wide.feed  # The driver with the mended contract.
    last = int(pc.max(stream.records["kafka_offset"]).as_py()) + 1
    column = wide.records.column_names.index("kafka_offset")
    again = wide.records.set_column(
        column, "kafka_offset", pc.add(wide.records["kafka_offset"], last)
    )
    rows = stream.rows()

    store_batches(
        wide, pa.concat_tables([wide.records, again]), np.random.default_rng(1), {0: last}
    )

    reading = feed_tables(stream.feed).reading.name
    assert stream.rows()[reading] == rows[reading]
    assert_clean(stream)


def test_readings_the_stream_stores_meanwhile_are_met(
    spark: SparkSession, stream: Stream, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between plan and swap the driver, with the mended contract, stores the same readings."""
    feed = widened(stream.feed)
    told = replay(spark, stream, dry_run=True)
    wide = by_wider(stream, pools)
    beyond = wide.filter(pc.and_(pc.is_valid(stream.records["fault"]), pc.is_null(wide["fault"])))
    last = int(pc.max(stream.records["kafka_offset"]).as_py()) + 1
    column = beyond.column_names.index("kafka_offset")
    later = beyond.set_column(
        column, "kafka_offset", pa.array(range(last, last + beyond.num_rows), pa.int64())
    )
    measure = replay_module.sums_before
    asked: list[int] = []

    def store_first(*arguments: Any) -> Any:
        if not asked:
            stream.store._feed = feed
            store_batches(replace(stream, feed=feed), later, np.random.default_rng(1), {0: last})
        asked.append(1)
        return measure(*arguments)

    monkeypatch.setattr(replay_module, "sums_before", store_first)
    done = replay(spark, stream)

    assert asked
    assert done.stored == 0
    assert done.copies >= told.stored
    assert_clean(stream)


def test_a_failure_before_the_commit_changes_nothing(
    spark: SparkSession, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, kept = stream.rows(), stream.quarantine()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replay_module, "write_record", die)
        with pytest.raises(KeyboardInterrupt):
            replay(spark, stream)

    assert (stream.rows(), stream.quarantine()) == (before, kept)
    assert_clean(stream)
    assert replay(spark, stream).stored > 0


def test_flagged_readings_raise_alerts_that_nobody_is_told_of(
    spark: SparkSession, warehouse: Engine, opened: list[Stream]
) -> None:
    """The reading that was out of range breaks a rule of the contract too."""
    feed, rule, alert = next(
        (feed, rule, alert)
        for feed in FEEDS.values()
        for rule, alert in feed.alerts.items()
        if (alert.when.above or 0) > plausible(feed.fields[alert.when.field], 49)
    )
    field = feed.fields[alert.when.field]
    assert field.valid is not None
    assert alert.when.above is not None
    narrow = replace(field, valid=(field.valid[0], alert.when.above))
    narrowed = replace(feed, fields=feed.fields | {field.name: narrow})
    made = []
    for number in range(20):
        at = NOON + timedelta(seconds=number)
        one = message(feed, sensor="s-1", at=at, step=number)
        if number % 4 == 0:
            place(one, field.path, alert.when.above + 1)
        made.append((at, json.dumps(one).encode()))
    rows = judged(spark, narrowed, made)
    stream = run_stream(warehouse, narrowed, rows, np.random.default_rng(1))
    opened.append(stream)
    told = told_messages(warehouse)

    done = replay(spark, stream, feed)

    assert done.stored == 5
    with warehouse.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(core.alert)) >= 5
    assert told_messages(warehouse) == told
    assert sum(row["alerts_came"] for row in recent(warehouse, feed.name, 10)) >= 5
    assert rule in feed.alerts
    assert_clean(stream)
