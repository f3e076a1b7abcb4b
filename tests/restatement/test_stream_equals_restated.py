"""What the stream stored is what a restatement computes, however records came and were cut.

Records are late, copied, conflicting, malformed, future, expired and out of range, in any order,
in batches cut anywhere; Spark has judged all of them in bulk (`pool.py`), the rest is the real
thing: split, copies, one transaction per batch in a real database, and the restatement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from sqlalchemy import Engine, delete

from tests.restatement.pool import DAY, Stream, widened
from tests.restatement.records import (
    BAD,
    MOMENTS,
    PARTITIONS,
    SENSORS,
    VALUES,
    Arrival,
    Pool,
    Run,
    forget,
    in_day,
    remove_day,
)
from tests.restatement.same import assert_clean, assert_same
from tests.warehouse.test_store import new_store
from vigie.contract.loader import load_feeds
from vigie.restatement.cut import read_cut
from vigie.warehouse import core

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]

FEEDS = load_feeds()
each_feed = pytest.mark.parametrize("name", FEEDS)
Pools = dict[tuple[str, bool], Pool]


@pytest.fixture(scope="session")
def pools(spark: SparkSession) -> Pools:
    """Per feed the same messages judged by its contract, and by a wider one."""
    return {
        (name, wide): Pool.of(spark, widened(feed) if wide else feed, feed)
        for name, feed in FEEDS.items()
        for wide in (False, True)
    }


@dataclass(frozen=True)
class Case:
    """A stream: what arrives, the cuts between batches, and after which of them somebody acts."""

    arrivals: list[Arrival]
    steps: list[tuple[int, int, int]]
    act_after: int


messages = st.one_of(
    st.tuples(
        st.integers(0, len(SENSORS) - 1),
        st.integers(0, len(MOMENTS) - 1),
        st.integers(0, len(VALUES) - 1),
    ),
    st.integers(0, len(BAD) - 1),
)
advances = st.sampled_from([0, 0, 0, 0, 1])
partitions = st.integers(0, PARTITIONS - 1)
steps = st.lists(st.tuples(*[st.integers(0, 12)] * PARTITIONS), max_size=6)


def cases(*, loose: bool) -> st.SearchStrategy[Case]:
    """Random streams; a `loose` one has records of one sensor in several partitions."""
    where = partitions if loose else st.none()
    arrivals = st.lists(st.builds(Arrival, messages, advances, where), min_size=1, max_size=60)
    return st.builds(Case, arrivals, steps, st.integers(0, 6))


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        # Explaining a failure would take as long again as finding it.
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@each_feed
@examples(5)
@given(case=st.one_of(cases(loose=False), cases(loose=True)))
def test_a_restatement_changes_nothing(
    warehouse: Engine, pools: Pools, name: str, case: Case
) -> None:
    changes_nothing(warehouse, pools, name, case)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@each_feed
@examples(100)
@given(case=st.one_of(cases(loose=False), cases(loose=True)))
def test_a_restatement_changes_nothing_in_many_streams(
    warehouse: Engine, pools: Pools, name: str, case: Case
) -> None:
    changes_nothing(warehouse, pools, name, case)


@each_feed
@examples(4)
@given(case=cases(loose=False))
def test_a_lost_day_comes_back(warehouse: Engine, pools: Pools, name: str, case: Case) -> None:
    comes_back(warehouse, pools, name, case)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@each_feed
@examples(60)
@given(case=cases(loose=False))
def test_a_lost_day_comes_back_in_many_streams(
    warehouse: Engine, pools: Pools, name: str, case: Case
) -> None:
    comes_back(warehouse, pools, name, case)


@each_feed
@examples(3)
@given(case=cases(loose=False))
def test_restated_by_a_wider_contract_is_streamed_by_it(
    warehouse: Engine, pools: Pools, name: str, case: Case
) -> None:
    follows_the_contract(warehouse, pools, name, case)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@each_feed
@examples(60)
@given(case=cases(loose=False))
def test_restated_by_a_wider_contract_is_streamed_by_it_in_many_streams(
    warehouse: Engine, pools: Pools, name: str, case: Case
) -> None:
    follows_the_contract(warehouse, pools, name, case)


def changes_nothing(engine: Engine, pools: Pools, name: str, case: Case) -> None:
    """Up to any cut, while the stream went on, and up to its end."""
    with streaming(engine, pools, name, case) as run:
        for step in case.steps[: case.act_after]:
            run.advance(step)
        cut = read_cut(engine, run.stream.feed)
        run.finish(case.steps[case.act_after :])
        rows, quarantine = run.rows(), run.quarantine()
        assert_clean(run.stream)

        earlier, whole = run.stream.restate(cut=cut), run.stream.restate()

        assert earlier.batch_no is None, earlier
        assert whole.batch_no is None, whole
        assert run.rows() == rows
        assert run.quarantine() == quarantine


def comes_back(engine: Engine, pools: Pools, name: str, case: Case) -> None:
    """Deleted and restated in the middle of the stream, and again at its end."""
    with streaming(engine, pools, name, case) as run:
        run.finish(case.steps)
        expected, quarantine = run.rows(), run.quarantine()
    with streaming(engine, pools, name, case) as run:
        for step in case.steps[: case.act_after]:
            run.advance(step)
        remove_day(engine, run.stream.feed)
        run.stream.restate()
        run.finish(case.steps[case.act_after :])
        assert_same(expected, run.rows())
        assert run.quarantine() == quarantine
        assert_clean(run.stream)

        remove_day(engine, run.stream.feed)
        with engine.begin() as connection:
            connection.execute(delete(core.quarantine).where(*in_day(core.quarantine)))
        run.stream.restate()

        assert_same(expected, run.rows())
        assert run.quarantine() == quarantine
        again = run.stream.restate()
        assert again.batch_no is None, again


def follows_the_contract(engine: Engine, pools: Pools, name: str, case: Case) -> None:
    """Restated in the middle and at the end with a contract that takes more."""
    wide = widened(FEEDS[name])
    with streaming(engine, pools, name, case, wide=True) as run:
        run.finish(case.steps)
        expected, quarantine = of_day(run), waiting(run)
    records = pools[name, True].records(case.arrivals)
    with streaming(engine, pools, name, case) as run:
        for step in case.steps[: case.act_after]:
            run.advance(step)
        run.stream.restate(records, feed=wide)
        assert_clean(run.stream)
        run.finish(case.steps[case.act_after :])
        run.stream.restate(records, feed=wide)

        assert_same(expected, of_day(run))
        assert waiting(run) == quarantine
        assert_clean(run.stream)
        again = run.stream.restate(records, feed=wide)
        assert again.batch_no is None, again


@contextmanager
def streaming(
    engine: Engine, pools: Pools, name: str, case: Case, *, wide: bool = False
) -> Iterator[Run]:
    """A stream of the case in an empty warehouse."""
    pool = pools[name, wide]
    forget(engine, pool.feed)
    records = pool.records(case.arrivals)
    stream = Stream(engine, pool.feed, records, new_store(engine, pool.feed))
    try:
        yield Run(stream)
    finally:
        stream.store.close()


def of_day(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The stream's rows whose time lies in the day."""

    def time(row: dict[str, Any]) -> date:
        moment: datetime = row.get("event_time") or row["pane_start"]
        return moment.astimezone(UTC).date()

    return {name: [row for row in rows if time(row) == DAY] for name, rows in run.rows().items()}


def waiting(run: Run) -> list[Any]:
    """Messages of the day, or of none, that still fail."""
    return [
        row
        for row in run.quarantine()
        if row.released_at is None
        and (row.event_time is None or row.event_time.astimezone(UTC).date() == DAY)
    ]
