from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from vigie.contract.feed import Feed
from vigie.simulator.moments import history
from vigie.simulator.readings import readings

START = datetime(2026, 1, 1, tzinfo=UTC)


def series(
    feed: Feed, *, step: timedelta, count: int, sensors: int = 1, start: datetime = START
) -> pd.DataFrame:
    """The values of `count` steps, indexed by moment, with the sensor's number in `sensor`."""
    moments = history(sensors, start=start, step=step, count=count * sensors)
    made = [*readings(feed, moments, seed=1)]
    frame = pd.DataFrame([made_one.values for made_one in made], index=[r.at for r in made])
    return frame.assign(sensor=[r.sensor for r in made])
