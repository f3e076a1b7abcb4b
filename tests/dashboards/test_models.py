"""What the pages of models read, on a real database, against pandas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from tests.browser.pages.filled import say
from tests.dialects import mssql_in_campaign
from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.dashboards.queries import models
from vigie.dashboards.queries.views import AT
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]

FEEDS = [feed for feed in load_feeds().values() if feed.model]
START = datetime(2026, 2, 27, 20, tzinfo=UTC)
SPAN = timedelta(hours=30)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.model.name)
def test_what_a_model_said_meets_what_was_true(warehouse: Engine, feed: Feed) -> None:
    model = feed.model
    with get_engine("reader").connect() as connection:
        assert models.read_newest_said(connection, model) is None
        assert models.read_errors(connection, model).empty
    readings = store_all(warehouse, feed, [each for each in batches(feed, 1, START, SPAN)])
    readings = readings.dropna(subset=[model.target])
    with warehouse.begin() as connection:
        # A model says nothing of what was not measured.
        name = f"fact.{feed.name}_reading"
        connection.exec_driver_sql(f"DELETE FROM {name} WHERE {model.target} IS NULL")
    say(warehouse, feed)
    end = readings["event_time"].max()
    begin = end - timedelta(hours=10)

    with get_engine("reader").connect() as connection:
        newest = models.read_newest_said(connection, model)
        sensors = models.read_said_sensors(connection, model, begin, newest)
        found = models.read_said(connection, model, ["s-1"], begin, newest)
        errors = models.read_errors(connection, model)
        versions = models.read_versions(connection, model)

    assert newest == end
    recent = readings[readings["event_time"] > begin]
    assert sensors == sorted(recent["sensor"].unique())
    mine = recent[recent["sensor"] == "s-1"].sort_values("event_time", ascending=False)
    assert found[AT].tolist() == mine["event_time"].tolist()
    np.testing.assert_allclose(found["actual"], mine[model.target])
    np.testing.assert_allclose(found["residual"], found["actual"] - found["predicted"])
    assert errors["version"].tolist() == [1, 1, 2][: len(errors)]
    np.testing.assert_allclose(errors["mae"], [0.5, 0.6, 0.7][: len(errors)])
    assert versions["version"].tolist() == [2, 1]
    assert pd.notna(versions["champion_since"].iloc[0])
    assert pd.isna(versions["champion_since"].iloc[1])
