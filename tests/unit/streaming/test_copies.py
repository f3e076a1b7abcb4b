from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from vigie.streaming.copies import find_repeats

NONE_STORED = (pa.array([], pa.int64()), pa.array([], pa.bool_()))
T = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]


def rows(*readings: tuple[int, datetime, float | None]) -> pa.Table:
    ids, times, values = zip(*readings, strict=True)
    return pa.table(
        {
            "sensor_id": pa.array(ids, pa.int32()),
            "event_time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "value": pa.array(values, pa.float64()),
        }
    )


def sort_out(table: pa.Table, stored=NONE_STORED) -> tuple[list[int], list[int], list[int]]:
    found = find_repeats(table, ["value"], stored=stored)
    return found.fresh.tolist(), found.copies.tolist(), found.conflicts.tolist()


def test_distinct_readings_are_all_fresh() -> None:
    assert sort_out(rows((1, T[0], 1), (2, T[0], 1), (1, T[1], 1))) == ([0, 1, 2], [], [])


def test_the_first_of_an_identity_is_kept() -> None:
    table = rows((1, T[0], 5), (1, T[0], 5), (1, T[0], 6), (1, T[0], 5))

    assert sort_out(table) == ([0], [1, 3], [2])


def test_two_nulls_are_equal_and_a_null_is_no_value() -> None:
    table = rows((1, T[0], None), (1, T[0], None), (1, T[0], 0.0))

    assert sort_out(table) == ([0], [1], [2])


def test_what_is_stored_wins_over_the_batch() -> None:
    table = rows((1, T[0], 5), (1, T[0], 6), (1, T[1], 7))
    stored = (pa.array([0, 1]), pa.array([False, True]))

    assert sort_out(table, stored) == ([2], [1], [0])


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_every_row_goes_somewhere_once(count: int) -> None:
    table = (
        rows(*((i % 7, T[i % 3], float(i % 2)) for i in range(count)))
        if count
        else (rows((1, T[0], 1.0)).slice(0, 0))
    )
    fresh, copies, conflicts = sort_out(table)

    assert sorted(fresh + copies + conflicts) == list(range(count))
    assert len(fresh) == min(count, 21)
