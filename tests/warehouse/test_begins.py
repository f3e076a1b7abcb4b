"""Where a launch begins, and which gaps block it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from tests.dialects import both_dialects
from vigie.broker.offsets import TopicState
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.launch import record_gaps
from vigie.streaming.offsets import Begins, find_begins, planned_ranges, starting_offsets
from vigie.supervision.desire import Gap, accept_gaps, open_gaps
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.ledger import OffsetRange

pytestmark = [pytest.mark.warehouse, both_dialects]

FEED: Feed = next(iter(load_feeds().values()))


def stored(engine: Engine, topic_id: str, partition: int, begin: int, end: int) -> None:
    size = end - begin
    row = {
        "feed": FEED.name,
        "topic_id": topic_id,
        "kafka_partition": partition,
        "begin_offset": begin,
        "end_offset": end,
        "batch_no": begin,
        "launch": 1,
        "messages_read": size,
        "stored": size,
        "copies": 0,
        "conflicts": 0,
        "quarantined": 0,
        "control": 0,
    }
    with engine.begin() as connection:
        connection.execute(insert(core.ledger).values(row))


def still_open(engine: Engine) -> list[Gap]:
    with engine.connect() as connection:
        return open_gaps(connection, FEED.name)


def begins(topic_id: str, partitions: dict[int, tuple[int, int]]) -> Begins:
    session = open_warehouse().open_session()
    try:
        return find_begins(session, FEED, TopicState(FEED.topic, topic_id, partitions))
    finally:
        session.close()


def test_a_new_stream_begins_at_zero(warehouse: Engine) -> None:
    found = begins("A", {0: (0, 100), 1: (0, 0)})

    assert found.offsets == {0: 0, 1: 0}
    assert found.gaps == ()


def test_a_launch_begins_where_the_ledger_ends(warehouse: Engine) -> None:
    stored(warehouse, "A", 0, 0, 40)
    stored(warehouse, "A", 0, 40, 70)

    found = begins("A", {0: (0, 100), 1: (0, 5)})

    assert (found.offsets, found.gaps) == ({0: 70, 1: 0}, ())
    assert starting_offsets(FEED, found.offsets) == f'{{"{FEED.topic}": {{"0": 70, "1": 0}}}}'


@pytest.mark.parametrize(
    ("kept", "begin", "end", "reason"),
    [((90, 100), 70, 90, "expired"), ((0, 50), 70, 70, "the broker lost data")],
)
def test_missing_offsets_are_a_gap_until_accepted(
    warehouse: Engine, kept: tuple[int, int], begin: int, end: int, reason: str
) -> None:
    stored(warehouse, "A", 0, 0, 70)

    (gap,) = begins("A", {0: kept}).gaps

    assert (gap.partition, gap.begin, gap.end) == (0, begin, end)
    assert reason in gap.reason


def test_an_accepted_expiry_moves_the_begin_past_it(warehouse: Engine) -> None:
    stored(warehouse, "A", 0, 0, 70)
    record_gaps(warehouse, FEED.name, begins("A", {0: (90, 100)}).gaps)

    accept_gaps(warehouse, FEED.name, still_open(warehouse), person="me")

    found = begins("A", {0: (90, 100)})
    assert (found.offsets, found.gaps) == ({0: 90}, ())


def test_a_log_shorter_than_the_ledger_blocks_again_after_acceptance(warehouse: Engine) -> None:
    stored(warehouse, "A", 0, 0, 70)
    for _ in range(2):
        record_gaps(warehouse, FEED.name, begins("A", {0: (0, 50)}).gaps)
        assert len(still_open(warehouse)) == 1
        accept_gaps(warehouse, FEED.name, still_open(warehouse), person="me")


def test_a_topic_made_anew_is_a_gap_in_each_partition_until_accepted(warehouse: Engine) -> None:
    stored(warehouse, "A", 0, 0, 70)
    stored(warehouse, "A", 1, 0, 30)

    gaps = begins("B", {0: (0, 5), 1: (0, 5)}).gaps

    assert [(g.topic_id, g.partition, g.begin) for g in gaps] == [("A", 0, 70), ("A", 1, 30)]
    record_gaps(warehouse, FEED.name, gaps)
    accept_gaps(warehouse, FEED.name, still_open(warehouse), person="me")
    found = begins("B", {0: (0, 5), 1: (0, 5)})
    assert (found.offsets, found.gaps) == ({0: 0, 1: 0}, ())


def test_an_accepted_expiry_does_not_accept_a_topic_made_anew(warehouse: Engine) -> None:
    stored(warehouse, "A", 0, 0, 70)
    record_gaps(warehouse, FEED.name, begins("A", {0: (90, 100)}).gaps)
    accept_gaps(warehouse, FEED.name, still_open(warehouse), person="me")
    stored(warehouse, "A", 0, 90, 95)

    (gap,) = begins("B", {0: (0, 5)}).gaps

    assert (gap.topic_id, gap.begin, gap.end) == ("A", 95, 95)


def test_planned_ranges_are_those_spark_wrote(tmp_path: Path) -> None:
    (tmp_path / "offsets").mkdir()
    ends = f'{{"{FEED.topic}":{{"0":100,"1":7,"2":9}}}}'
    (tmp_path / "offsets" / "3").write_text(f"v1\n{{}}\n{ends}")

    ranges = planned_ranges(tmp_path, 3, FEED, "A", {0: 60, 1: 7})

    assert ranges == [OffsetRange("A", 0, 60, 100), OffsetRange("A", 2, 0, 9)]
