"""Panes computed from the facts, on a real database, against pandas."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Engine, select

from tests.dialects import both_dialects
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import PANE_COUNTS, feed_tables

pytestmark = [pytest.mark.warehouse, both_dialects]

FEEDS = list(load_feeds().values())
MIDNIGHT = datetime(2026, 2, 27, tzinfo=UTC)
DAY = timedelta(days=1)
PANES = (timedelta(seconds=20), timedelta(hours=1))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_days_have_the_panes_of_the_contract_whatever_their_length_was(
    warehouse: Engine, feed: Feed
) -> None:
    readings = store_all(warehouse, feed, batches(feed, 1, MIDNIGHT, 3 * DAY))
    with warehouse.connect() as connection:
        found = connection.execute(select(core.sensor.c.sensor, core.sensor.c.sensor_id))
        numbers = {row.sensor: row.sensor_id for row in found}
    chosen = [(numbers["s-0"], MIDNIGHT + DAY), (numbers["s-1"], MIDNIGHT + 2 * DAY)]
    columns = [pa.array(column) for column in zip(*chosen, strict=True)]
    days = pa.table({"sensor_id": columns[0].cast(pa.int32()), "pane_start": columns[1]})
    readings["sensor_id"] = readings["sensor"].map(numbers)
    key = list(zip(readings["sensor_id"], readings["event_time"].dt.floor("D"), strict=True))
    inside = pd.Series([one in chosen for one in key], index=readings.index)

    session = open_warehouse(warehouse).open_session()
    for pane in PANES:
        session.recompute_panes(replace(feed, windows=replace(feed.windows, pane=pane)), days)
        session.commit()

        wanted = [
            summed(readings[inside], feed, pane),
            summed(readings[~inside], feed, feed.windows.pane),
        ]
        together = pd.concat(wanted).sort_index()
        pd.testing.assert_frame_equal(
            stored(warehouse, feed).loc[together.index], together, check_dtype=False, rtol=1e-9
        )
        assert len(stored(warehouse, feed)) == len(together)
    session.close()


def summed(readings: pd.DataFrame, feed: Feed, pane: timedelta) -> pd.DataFrame:
    """Panes by sensor and start: counts, and of each field its number, sum and extremes."""
    groups = readings.groupby(["sensor_id", readings["event_time"].dt.floor(pane)])
    columns = {"readings": groups.size()}
    columns |= {name: groups[name].sum() for name in PANE_COUNTS[1:]}
    for name in feed.fields:
        columns |= {f"{name}_n": groups[name].count(), f"{name}_sum": groups[name].sum()}
        columns |= {f"{name}_min": groups[name].min(), f"{name}_max": groups[name].max()}
    found = pd.DataFrame(columns)
    found.index = found.index.set_names(["sensor_id", "pane_start"])
    return found


def stored(engine: Engine, feed: Feed) -> pd.DataFrame:
    table = feed_tables(feed).pane
    with engine.connect() as connection:
        rows = connection.execute(select(table)).mappings().all()
    frame = pd.DataFrame([dict(row) for row in rows])
    frame["pane_start"] = pd.to_datetime(frame["pane_start"], utc=True).astype(
        "datetime64[us, UTC]"
    )
    frame = frame.set_index(["sensor_id", "pane_start"])
    wanted = [*PANE_COUNTS]
    for name in feed.fields:
        wanted += [f"{name}_{part}" for part in ("n", "sum", "min", "max")]
    return frame[wanted].astype({name: float for name in wanted[len(PANE_COUNTS) :]})
