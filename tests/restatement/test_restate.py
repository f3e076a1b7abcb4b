"""A day restated from its records is the day as streamed, or what the streamed day should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pgpq import ArrowToPostgresBinaryEncoder
from pyspark.sql import SparkSession
from sqlalchemy import Engine, delete, event, exists, func, literal, select, update

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
from tests.restatement.same import assert_clean, assert_same
from tests.warehouse import scoring
from vigie.contract.loader import load_feeds
from vigie.errors import RestatementRefused
from vigie.monitoring.by_day import sum_up_days
from vigie.restatement import restate
from vigie.restatement.cut import read_cut
from vigie.restatement.record import Why, write_record
from vigie.restatement.stored import day_span
from vigie.streaming.commit import Fence
from vigie.streaming.launch import raise_fence
from vigie.supervision.launches import end_launch_sessions
from vigie.warehouse import core
from vigie.warehouse.engines import impatient_engine
from vigie.warehouse.feed_tables import feed_tables, value_columns
from vigie.warehouse.postgres import session as postgres_session
from vigie.warehouse.session import Session, TransientError
from vigie.warehouse.unscored import Unscored

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]

FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("name", FEEDS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Pools = dict[tuple[str, bool], pa.Table]


@pytest.fixture(scope="module")
def pools(spark: SparkSession) -> Pools:
    """Per feed the same messages judged by its contract, and by a wider one."""
    found = {}
    for number, (name, feed) in enumerate(FEEDS.items()):
        made = messages(feed, np.random.default_rng(number), 900)
        found[name, False] = judged(spark, feed, made)
        found[name, True] = judged(spark, widened(feed), made)
    return found


@pytest.fixture
def opened() -> Iterator[list[Stream]]:
    streams: list[Stream] = []
    yield streams
    for stream in streams:
        stream.store.close()


def start(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str, seed: int, *, loose: bool
) -> Stream:
    rng = np.random.default_rng(seed)
    rows = arrange(pools[name, False], rng, 3, loose=loose)
    stream = run_stream(warehouse, FEEDS[name], rows, rng)
    opened.append(stream)
    return stream


def by_wider(stream: Stream, pools: Pools) -> pa.Table:
    """The stream's records as the wider contract judges them, at the same coordinates."""
    wide = pools[stream.feed.name, True]
    moments = pc.index_in(stream.records["append_time"], value_set=wide["append_time"])
    rows = wide.take(moments)
    for name in ("kafka_partition", "kafka_offset"):
        rows = rows.set_column(rows.column_names.index(name), name, stream.records[name])
    return rows


@each_feed
def test_rows_changed_behind_our_back_come_back(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str
) -> None:
    stream = start(warehouse, pools, opened, name, 7, loose=False)
    before = stream.rows()
    reading = feed_tables(stream.feed).reading
    begin, end = day_span(DAY)
    mine = (reading.c.event_time >= begin, reading.c.event_time < end)
    field = next(iter(stream.feed.fields))
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(*mine, reading.c.kafka_offset % 5 == 0))
        connection.execute(
            update(reading).where(*mine, reading.c.kafka_offset % 5 == 1).values({field: None})
        )

    done = stream.restate()

    assert done.came > 0
    assert done.changed > 0
    assert done.went == 0
    assert_same(before, stream.rows())
    assert_clean(stream)
    assert stream.restate().batch_no is None


def predictions(stream: Stream) -> dict[tuple[int, datetime], Any]:
    """What is said of each reading, by sensor and time; every reading has exactly one row."""
    tables = feed_tables(stream.feed)
    assert tables.prediction is not None
    r, p = tables.reading.c, tables.prediction.c
    said = select(p.sensor_id, p.event_time, p.value, p.reason, p.model_version)
    with stream.engine.connect() as connection:
        rows = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(said)}
        stored = {(row[0], row[1]) for row in connection.execute(select(r.sensor_id, r.event_time))}
    assert rows.keys() == stored
    return rows


RESTATED = (None, Unscored.RESTATED, None)


def run_scored_stream(warehouse: Engine, pools: Pools, opened: list[Stream], seed: int) -> Stream:
    feed, rng, ready = scoring.feed(), np.random.default_rng(seed), scoring.champion()
    rows = arrange(pools[feed.name, False], rng, 3, loose=False)
    scorer = scoring.scorer(lambda: ready)
    opened.append(run_stream(warehouse, feed, rows, rng, scorer=scorer))
    return opened[-1]


def test_a_prediction_stays_with_its_reading_and_goes_with_it(
    warehouse: Engine, pools: Pools, opened: list[Stream]
) -> None:
    stream = run_scored_stream(warehouse, pools, opened, 12)
    feed = stream.feed
    before = predictions(stream)
    assert sum(value is not None for value, _, _ in before.values()) > 20

    wide = by_wider(stream, pools)
    done = stream.restate(wide, feed=widened(feed))
    with_those_that_came = predictions(stream)

    came = with_those_that_came.keys() - before.keys()
    assert len(came) == done.came > 0
    assert all(with_those_that_came[key] == RESTATED for key in came)
    assert all(with_those_that_came[key] == said for key, said in before.items())

    assert stream.restate().went == done.came
    assert predictions(stream) == before

    reading = feed_tables(feed).reading.c
    begin, end = day_span(DAY)
    mine = (reading.event_time >= begin, reading.event_time < end)
    with warehouse.begin() as connection:
        lost = delete(feed_tables(feed).reading).where(*mine, reading.kafka_offset % 5 == 0)
        other = update(feed_tables(feed).reading).where(*mine, reading.kafka_offset % 5 == 1)
        connection.execute(lost)
        connection.execute(other.values(at=None))
    done = stream.restate()

    after = predictions(stream)
    changed = {key for key, said in before.items() if after[key] != said}
    assert all(after[key] == RESTATED for key in changed)
    assert 0 < len(changed) <= done.came + done.changed


@each_feed
def test_a_wider_contract_brings_quarantined_readings(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str
) -> None:
    stream = start(warehouse, pools, opened, name, 8, loose=False)
    before, kept = stream.rows(), stream.quarantine()
    field, value = out_of_range(stream.feed)
    wide = by_wider(stream, pools)

    done = stream.restate(wide, feed=widened(stream.feed))

    assert done.came > 0
    assert done.released > 0
    reading = feed_tables(stream.feed).reading
    with warehouse.connect() as connection:
        query = select(func.count()).where(reading.c[field] == value)
        assert connection.scalar(query) >= done.came
    assert_clean(stream)
    assert stream.restate(wide, feed=widened(stream.feed)).batch_no is None

    back = stream.restate()

    assert back.went == done.came
    assert_same(before, stream.rows())
    waiting = {row[:4] for row in stream.quarantine() if row.released_at is None}
    assert waiting == {row[:4] for row in kept}
    assert_clean(stream)


@each_feed
def test_a_correction_wins_with_prefer_last_and_first_takes_it_back(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str
) -> None:
    stream = start(warehouse, pools, opened, name, 9, loose=False)
    before = stream.rows()

    done = stream.restate(why=Why("tests", prefer="last"))

    assert done.changed > 0
    assert done.came == done.went == 0
    reading = feed_tables(stream.feed).reading.name
    for old, new in zip(before[reading], stream.rows()[reading], strict=True):
        values = value_columns(stream.feed)
        assert old == new or [old[v] for v in values] != [new[v] for v in values], "only a copy"
    assert_clean(stream)
    back = stream.restate()
    assert back.changed == done.changed
    assert_same(before, stream.rows())
    assert_clean(stream)


def test_records_the_lake_lacks_refuse_the_day(
    warehouse: Engine, pools: Pools, opened: list[Stream]
) -> None:
    stream = start(warehouse, pools, opened, "environment", 10, loose=False)
    before = stream.rows()
    offsets = stream.records["kafka_offset"]
    lacking = stream.records.filter(pc.or_(pc.less(offsets, 20), pc.greater_equal(offsets, 60)))

    with pytest.raises(RestatementRefused, match=r"partition \d, offsets [2-5]\d to [2-5]\d"):
        stream.restate(lacking)

    assert stream.rows() == before
    with warehouse.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(core.restatement)) == 0


def test_later_arrivals_stay(warehouse: Engine, pools: Pools, opened: list[Stream]) -> None:
    feed = FEEDS["environment"]
    rng = np.random.default_rng(11)
    rows = arrange(pools["environment", False], rng, 1, loose=False)
    half = rows.num_rows // 2
    stream = run_stream(warehouse, feed, rows.slice(0, half), rng)
    opened.append(stream)
    cut = read_cut(warehouse, feed)
    reading = feed_tables(feed).reading
    begin, end = day_span(DAY)
    mine = (reading.c.event_time >= begin, reading.c.event_time < end)
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(*mine, reading.c.kafka_offset % 3 == 0))
        kept = exists().where(
            reading.c.sensor_id == core.alert.c.sensor_id,
            reading.c.event_time == core.alert.c.event_time,
        )
        connection.execute(delete(core.alert).where(~kept))
    store_batches(stream, rows, rng, {0: half})
    with warehouse.connect() as connection:
        later = connection.execute(select(reading).where(reading.c.batch_no > cut.batch_no)).all()
    assert later

    done = stream.restate(rows, cut=cut)

    assert done.came > 0
    assert done.left_over > 0
    with warehouse.connect() as connection:
        now = connection.execute(select(reading).where(reading.c.batch_no > cut.batch_no)).all()
    assert set(later) <= set(now)
    stream.restate(rows)
    assert stream.restate(rows).batch_no is None
    # What a later batch stored in place of a row deleted behind its back, the next one sorts out.
    kept = stream.rows()
    with warehouse.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(reading).where(*mine))
    assert count == sum(begin <= row["event_time"] < end for row in kept[reading.name])


def test_the_stream_goes_on_after_a_restatement(
    warehouse: Engine, pools: Pools, opened: list[Stream]
) -> None:
    stream = start(warehouse, pools, opened, "environment", 12, loose=False)
    wide = by_wider(stream, pools)
    done = stream.restate(wide, feed=widened(stream.feed))
    assert done.batch_no is not None
    parts = stream.records["kafka_partition"].to_numpy()
    offsets = stream.records["kafka_offset"].to_numpy()
    ends = {int(p): int(offsets[parts == p].max()) + 1 for p in np.unique(parts)}
    again = stream.records.set_column(
        stream.records.column_names.index("kafka_offset"),
        "kafka_offset",
        pa.array(offsets + np.array([ends[int(p)] for p in parts])),
    )

    store_batches(stream, pa.concat_tables([stream.records, again]), np.random.default_rng(1), ends)

    assert_clean(stream)


def test_a_failure_before_the_commit_changes_nothing(
    warehouse: Engine,
    pools: Pools,
    opened: list[Stream],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = start(warehouse, pools, opened, "environment", 13, loose=False)
    before, kept = stream.rows(), stream.quarantine()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restate, "write_record", die)
    with pytest.raises(KeyboardInterrupt):
        stream.restate(by_wider(stream, pools), feed=widened(stream.feed))

    assert stream.rows() == before
    assert stream.quarantine() == kept
    assert_clean(stream)


def pane_sums(stream: Stream, length: timedelta) -> dict[tuple[int, datetime], int]:
    """Readings that the panes hold, by sensor and time in steps of `length`."""
    pane = feed_tables(stream.feed).pane.c
    with stream.engine.connect() as connection:
        rows = connection.execute(select(pane.sensor_id, pane.pane_start, pane.readings))
        return _by_step(rows, length)


def _by_step(rows: Iterable[Any], length: timedelta) -> dict[tuple[int, datetime], int]:
    found: dict[tuple[int, datetime], int] = {}
    for sensor, at, readings in rows:
        key = sensor, EPOCH + (at - EPOCH) // length * length
        found[key] = found.get(key, 0) + readings
    return found


@each_feed
@pytest.mark.parametrize("pane", [timedelta(seconds=20), timedelta(hours=1)], ids=str)
def test_panes_of_another_length_count_no_reading_twice(
    warehouse: Engine, pools: Pools, opened: list[Stream], name: str, pane: timedelta
) -> None:
    stream = start(warehouse, pools, opened, name, 14, loose=False)
    feed = replace(stream.feed, windows=replace(stream.feed.windows, pane=pane))
    reading = feed_tables(feed).reading
    begin, end = day_span(DAY)
    mine = (reading.c.event_time >= begin, reading.c.event_time < end)
    spoilt = update(reading).where(*mine, reading.c.kafka_offset % 7 == 0)
    with warehouse.begin() as connection:
        connection.execute(spoilt.values({next(iter(feed.fields)): None}))

    assert stream.restate(feed=feed).changed > 0

    longer = max(pane, stream.feed.windows.pane)
    with warehouse.connect() as connection:
        rows = connection.execute(select(reading.c.sensor_id, reading.c.event_time, literal(1)))
        assert pane_sums(stream, longer) == _by_step(rows, longer)
    assert_clean(stream)


def test_a_restatement_frozen_inside_copy_gives_way_to_the_next_launch(
    warehouse: Engine, pools: Pools, opened: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = start(warehouse, pools, opened, "environment", 15, loose=False)
    frozen, thaws = Event(), Event()

    class Freezing:
        def __init__(self, schema: pa.Schema) -> None:
            self._really = ArrowToPostgresBinaryEncoder(schema)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._really, name)

        def write_batch(self, rows: pa.RecordBatch) -> bytes:
            if not frozen.is_set():
                frozen.set()
                assert thaws.wait(60)
            return bytes(self._really.write_batch(rows))

    # Once it has the fence it loads in bulk for the first time.
    monkeypatch.setattr(postgres_session, "ArrowToPostgresBinaryEncoder", Freezing)
    wide = by_wider(stream, pools)
    with ThreadPoolExecutor(1) as pool:
        restating = pool.submit(stream.restate, wide, feed=widened(stream.feed))
        try:
            assert frozen.wait(60)
            with warehouse.connect() as connection:
                number = connection.scalar(select(core.fence.c.launch))
            end_launch_sessions(warehouse, stream.feed.name, up_to=number)
            impatient = impatient_engine(seconds=10)
            raise_fence(impatient, stream.feed.name, Fence(number + 1, "next"))
            impatient.dispose()
        finally:
            thaws.set()
        done = restating.result()

    assert done.came > 0
    with warehouse.connect() as connection:
        numbers = connection.scalars(select(core.restatement.c.restatement_id)).all()
    assert numbers == [done.restatement_id]
    assert_clean(stream)
    assert stream.restate(wide, feed=widened(stream.feed)).batch_no is None


def test_a_commit_in_doubt_is_looked_up_once_the_database_is_back(
    warehouse: Engine, pools: Pools, opened: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = start(warehouse, pools, opened, "environment", 16, loose=False)
    refused = []

    def lose_the_answer(session: Session, *given: Any, **named: Any) -> None:
        write_record(session, *given, **named)
        really_commit = session.commit

        def commit() -> None:
            really_commit()
            warehouse.dispose()
            event.listen(warehouse, "do_connect", refuse)
            raise TransientError("the connection broke after the commit")

        monkeypatch.setattr(session, "commit", commit)

    def refuse(_: object, __: object, ___: object, named: dict[str, Any]) -> None:
        if len(refused) < 2:
            refused.append(named["port"])
            named["port"] = 9

    monkeypatch.setattr(restate, "write_record", lose_the_answer)

    done = stream.restate(by_wider(stream, pools), feed=widened(stream.feed))

    assert len(refused) == 2
    assert done.came > 0
    with warehouse.connect() as connection:
        numbers = connection.scalars(select(core.restatement.c.restatement_id)).all()
    assert numbers == [done.restatement_id]
    assert_clean(stream)


def test_errors_of_a_model_are_summed_up_again_after_readings_changed(
    warehouse: Engine, pools: Pools, opened: list[Stream]
) -> None:
    stream = run_scored_stream(warehouse, pools, opened, 17)
    feed = stream.feed
    model, now = feed.model, NOON + timedelta(days=30)
    assert model is not None
    assert sum_up_days(warehouse, feed, model, now) > 0
    assert sum_up_days(warehouse, feed, model, now) == 0
    reading = feed_tables(feed).reading
    begin, end = day_span(DAY)
    mine = (reading.c.event_time >= begin, reading.c.event_time < end)
    with warehouse.begin() as connection:
        connection.execute(update(reading).where(*mine).values({model.target: None}))

    done = stream.restate()

    assert done.changed > 0
    assert done.came == done.went == 0
    assert sum_up_days(warehouse, feed, model, now) == 1
    t = core.model_error.c
    with warehouse.connect() as connection:
        of_day = select(func.sum(t.predictions)).where(t.event_date == DAY)
        left = sum(
            value is not None and begin <= at < end
            for (_, at), (value, _, _) in predictions(stream).items()
        )
        assert (connection.scalar(of_day) or 0) == left
    assert sum_up_days(warehouse, feed, model, now) == 0
