from __future__ import annotations

import ast
import asyncio
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    ParamValidationError,
    TaskDeferred,
)
from airflow.utils.types import DagRunType
from sqlalchemy import Engine

from tests.services import environment
from vigie.contract.loader import load_feeds
from vigie.orchestration import watch_stream
from vigie.orchestration.restate import skip_unless_due
from vigie.orchestration.stream_feed import StreamFeed
from vigie.orchestration.watch_stream import WatchStream
from vigie.settings import HOME
from vigie.supervision.failure import Failure
from vigie.supervision.health import Health
from vigie.supervision.states import State
from vigie.supervision.watch import Sight

pytestmark = pytest.mark.dags

DAGS = HOME / "dags"
MODELS = sum(feed.model is not None for feed in load_feeds().values())
FILES = {
    "collect_files.py": 1,
    "stream_feeds.py": len(load_feeds()),
    "archive_feeds.py": 1,
    "compact_facts.py": 1,
    "forecast_consumption.py": sum(1 for f in load_feeds().values() if f.nightly_model),
    "migrate_warehouse.py": 1,
    "monitor_models.py": 1,
    "notify_alerts.py": 1,
    "reconcile_feeds.py": 1,
    "refresh_powerbi.py": 1,
    "restate_feeds.py": len(load_feeds()),
    "return_models.py": MODELS,
    "roll_up_feeds.py": 1,
    "train_models.py": MODELS,
}
HEADINGS = ("### What it does", "### What red means", "### What to do")
HEAVY = ("pyspark", "pandas", "sklearn", "mlflow", "psycopg", "pymssql", "confluent_kafka")
STREAMS = [f"stream_{feed}" for feed in load_feeds()]


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(DAGS))


def test_every_file_parses_into_its_dags(bag: DagBag) -> None:
    assert bag.import_errors == {}
    found = Counter(Path(dag.fileloc).name for dag in bag.dags.values())
    assert {name: found[name] for name in FILES} == FILES


def test_every_dag_says_whose_it_is_and_what_to_do_when_red(bag: DagBag) -> None:
    for dag in bag.dags.values():
        assert dag.tags, dag.dag_id
        assert dag.doc_md is not None, dag.dag_id
        assert [line for line in dag.doc_md.splitlines() if line in HEADINGS] == list(HEADINGS)
        assert all(task.owner != "airflow" for task in dag.tasks), dag.dag_id
        assert not dag.catchup, dag.dag_id


@pytest.mark.parametrize("dag_id", STREAMS)
def test_a_stream_is_one_endless_run_before_all_others(bag: DagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    (task,) = dag.tasks
    assert dag.max_active_runs == 1
    assert type(dag.timetable).__name__ == "ContinuousTimetable"
    assert f"stream_{task.feed}" == dag_id
    others = [t for d in bag.dags.values() if d.dag_id not in STREAMS for t in d.tasks]
    assert all(task.priority_weight > other.priority_weight for other in others)
    assert all(str(state) in dag.doc_md for state in State)


@pytest.mark.parametrize("dag_id", ["migrate_warehouse", "roll_up_feeds"])
def test_a_scheduled_dag_acts_on_whole_intervals(bag: DagBag, dag_id: str) -> None:
    timetable = bag.dags[dag_id].timetable
    assert type(timetable).__name__ == "CronDataIntervalTimetable"


def test_roll_ups_have_a_task_per_feed_and_run_one_at_a_time(bag: DagBag) -> None:
    dag = bag.dags["roll_up_feeds"]
    assert {task.task_id for task in dag.tasks} == set(load_feeds())
    assert dag.max_active_tasks == 1


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_dag_file_parses_without_heavy_imports(name: str) -> None:
    code = (
        "import runpy, sys, airflow.sdk\n"
        "before = set(sys.modules)\n"
        f"runpy.run_path({str(DAGS / name)!r})\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.splitlines()[-1].split())
    assert "vigie" in loaded
    # The Kafka provider's trigger, which the watcher names by its class, brings its client.
    allowed = {"confluent_kafka"} if name == "notify_alerts.py" else set()
    assert loaded.isdisjoint(set(HEAVY) - allowed)


def test_a_wrong_contract_takes_no_other_feed_down(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    shutil.copytree(HOME / "include" / "feeds", feeds)
    (feeds / "fleet.yaml").write_text("feed: fleet\ntitel: a typo\n")
    with environment(VIGIE_FEEDS=str(feeds)):
        found = DagBag(dag_folder=str(DAGS))
    assert found.import_errors == {}
    assert {dag_id for dag_id in found.dags if dag_id.startswith("stream_")} == set(STREAMS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_dag_file_is_short(name: str) -> None:
    source = (DAGS / name).read_text("utf-8")
    assert ast.get_docstring(ast.parse(source))
    assert len(source.splitlines()) < 60


def test_a_trigger_survives_serialisation_and_newer_arguments() -> None:
    path, arguments = WatchStream(feed="fleet", until=12.5).serialize()
    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**arguments, of_newer_code=1)
    assert again.serialize() == (path, {"feed": "fleet", "until": 12.5})


def operator(**arguments) -> StreamFeed:
    return StreamFeed(task_id="stream", feed="fleet", **arguments)


@pytest.mark.parametrize("fails", [False, True])
def test_a_start_defers_to_the_watch_whether_or_not_it_fails(monkeypatch, fails: bool) -> None:
    def start(feed: str, *, person: str) -> Sight:
        if fails:
            raise RuntimeError("no warehouse")
        return Sight(Health(State.RUNNING, "running"), launch=1)

    monkeypatch.setattr("vigie.supervision.start.start_or_adopt", start)
    with pytest.raises(TaskDeferred) as deferred:
        operator().execute({})
    trigger = deferred.value.trigger
    assert isinstance(trigger, WatchStream)
    assert trigger.feed == "fleet"
    assert trigger.until == pytest.approx(time.time() + 6 * 3600, abs=60)
    assert deferred.value.method_name == "lease_ended"


def test_the_end_of_the_lease_is_a_success() -> None:
    event = {"feed": "fleet", "launch": 4}
    assert operator().lease_ended({}, event) == event


class Polls:
    """Stands in for a watcher: gives one sight, or error, after the other."""

    def __init__(self, *sights: Sight | Exception) -> None:
        self.left = list(sights)
        self.count = 0

    def poll(self) -> Sight:
        self.count += 1
        sight = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(sight, Exception):
            raise sight
        return sight


def watching(monkeypatch, polls: Polls, *, seconds: float) -> WatchStream:
    monkeypatch.setattr(watch_stream, "POLL_SECONDS", 0.01)
    monkeypatch.setattr("vigie.supervision.watch.Watcher", lambda feed: polls)
    return WatchStream(feed="fleet", until=time.time() + seconds)


async def events(trigger: WatchStream) -> list[dict]:
    return [event.payload async for event in trigger.run()]


def sight(launch: int, state: State = State.RUNNING) -> Sight:
    return Sight(Health(state, str(state)), launch=launch)


def test_the_watch_outlives_errors_and_ends_with_the_lease(monkeypatch) -> None:
    polls = Polls(RuntimeError("lost"), sight(1), RuntimeError("lost again"), sight(2))
    trigger = watching(monkeypatch, polls, seconds=0.3)
    assert asyncio.run(events(trigger)) == [{"feed": "fleet", "launch": 2}]
    assert polls.count > 4


def test_the_watch_does_not_block_the_event_loop(monkeypatch) -> None:
    slow = SimpleNamespace(poll=lambda: time.sleep(0.3) or sight(1))
    trigger = watching(monkeypatch, slow, seconds=0.5)

    async def longest_pause() -> float:
        task = asyncio.create_task(events(trigger))
        longest = 0.0
        while not task.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        return longest

    assert asyncio.run(longest_pause()) < 0.25


def test_a_kill_asks_for_a_restart_of_the_launch_that_was_watched(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        "vigie.supervision.desire.request_restart",
        lambda engine, feed, number, *, person: asked.append((feed, number, person)),
    )
    monkeypatch.setattr("vigie.warehouse.engines.get_engine", lambda: None)
    unwatched = WatchStream(feed="fleet", until=0)
    asyncio.run(unwatched.on_kill())
    trigger = watching(monkeypatch, Polls(sight(3)), seconds=0.05)
    asyncio.run(events(trigger))
    asyncio.run(trigger.on_kill())
    assert asked == [("fleet", 3, "airflow")]


def test_cancellation_ends_the_watch(monkeypatch) -> None:
    trigger = watching(monkeypatch, Polls(sight(1)), seconds=60)

    async def cancelled() -> bool:
        task = asyncio.create_task(events(trigger))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        return task.cancelled()

    assert asyncio.run(cancelled())


def test_a_state_is_logged_once_and_a_failure_with_its_tail(monkeypatch, capsys) -> None:
    failure = Failure(1, "Boom", "told to", "last words")
    dead = Sight(Health(State.DEAD, "driver gone"), launch=1, failure=failure)
    trigger = watching(monkeypatch, Polls(dead), seconds=0.2)
    asyncio.run(events(trigger))
    told = capsys.readouterr().out
    assert told.count("driver gone") == 1
    assert told.count("last words") == 1
    assert "What to do" in told


def test_one_spark_job_archives_the_feeds_with_news(bag: DagBag) -> None:
    dag = bag.dags["archive_feeds"]
    job = dag.task_dict["archive"]
    news = SimpleNamespace(xcom_pull=lambda task: ["fleet", "environment"])
    given = job.render_template(job.application_args, {"ti": news}, dag.get_template_env())
    assert given == ["fleet", "environment"]
    assert job.pool == "heavy"
    assert job.retries == 0
    assert "delta-spark" in job.conf["spark.jars"]


@pytest.mark.parametrize("feed", load_feeds())
def test_a_restatement_is_one_spark_job_for_the_day_of_its_interval(bag: DagBag, feed: str) -> None:
    dag = bag.dags[f"restate_{feed}"]
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"
    job = dag.task_dict["restate"]
    context = {
        "logical_date": datetime(2016, 1, 3, tzinfo=UTC),
        "dag_run": SimpleNamespace(triggering_user_name="maria", run_type=DagRunType.BACKFILL_JOB),
        "params": {"reason": "- a correction", "prefer": "last"},
    }
    env = dag.get_template_env()
    assert job.render_template(job.application_args, context, env) == [
        *(feed, "2016-01-03", "--person=maria (backfill)"),
        *("--reason=- a correction", "--prefer=last"),
    ]
    with pytest.raises(ParamValidationError):
        dag.params.update({"prefer": "newest"})
    assert job.pool == "heavy"
    assert job.retries == 0


def test_a_scheduled_restatement_skips_a_day_nothing_happened_to(warehouse: Engine) -> None:
    feed = next(iter(load_feeds()))
    day = datetime(2016, 1, 3, tzinfo=UTC)
    with pytest.raises(AirflowSkipException, match="no reading arrived late"):
        skip_unless_due(feed, day, "scheduled")
    skip_unless_due(feed, day, "backfill")
    with pytest.raises(AirflowFailException, match="--logical-date"):
        skip_unless_due(feed, None, "manual")
