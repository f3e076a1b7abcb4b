from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.dag_processing.dagbag import DagBag
from sqlalchemy import Engine, text

from tests.warehouse.random_readings import batches, store_all
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.settings import HOME
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.dags, pytest.mark.warehouse]

START = datetime(2026, 2, 27, 20, tzinfo=UTC)


def hours(feed: Feed) -> list[datetime]:
    query = f"SELECT DISTINCT hour_start FROM report.{feed.name}_hourly ORDER BY 1"
    with get_engine("reader").connect() as connection:
        return list(connection.execute(text(query)).scalars())


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_a_run_fills_its_hour_and_catches_up_with_all_before(warehouse: Engine, feed: Feed) -> None:
    hour = timedelta(hours=1)
    bag = DagBag(dag_folder=str(HOME / "dags" / "roll_up_feeds.py"))
    task = bag.dags["roll_up_feeds"].get_task(feed.name)
    store_all(warehouse, feed, batches(feed, 1, START, 6 * hour))

    for _ in range(2):
        task.python_callable(
            feed.name, data_interval_start=START + hour, data_interval_end=START + 2 * hour
        )

        assert hours(feed) == [START + i * hour for i in range(6)]
