from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException
from sqlalchemy import Engine

from tests.monitoring.filled import fill
from tests.services import environment
from tests.unit.modelling.made_up import meters
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import RegistryAway
from vigie.modelling import registry
from vigie.orchestration.forecast import skip_unless_possible
from vigie.settings import HOME

pytestmark = pytest.mark.dags

FEEDS = [feed for feed in load_feeds().values() if feed.nightly_model]
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


def name_of(feed: Feed) -> str:
    assert feed.nightly_model is not None
    return feed.nightly_model.name


@each_feed
def test_a_run_is_one_spark_job_for_the_day_after_its_interval(feed: Feed) -> None:
    dag = DagBag(dag_folder=str(HOME / "dags")).dags[f"forecast_{name_of(feed)}"]
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"
    job = dag.task_dict["forecast"]
    assert job.upstream_task_ids == {"due"}
    assert job.pool == "heavy"
    context = {"data_interval_end": datetime(2016, 1, 4, tzinfo=UTC)}
    given = job.render_template(job.application_args, context, dag.get_template_env())
    assert given == [name_of(feed), "2016-01-04"]


@each_feed
def test_a_run_without_readings_or_a_champion_is_skipped(
    warehouse: Engine, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = datetime(2026, 1, 20, tzinfo=UTC)
    with pytest.raises(AirflowSkipException, match="has no reading"):
        skip_unless_possible(name_of(feed), day)
    fill(warehouse, feed, meters(10, seed=1))
    with environment(VIGIE_MLFLOW=""), pytest.raises(RegistryAway):
        skip_unless_possible(name_of(feed), day)
    monkeypatch.setattr(registry, "find_champion", lambda name: None)
    with pytest.raises(AirflowSkipException, match="no champion"):
        skip_unless_possible(name_of(feed), day)
    monkeypatch.setattr(registry, "find_champion", lambda name: object())
    skip_unless_possible(name_of(feed), day)
