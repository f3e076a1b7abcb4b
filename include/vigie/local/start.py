"""Starts the stack: every step in order, each only where something is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vigie.broker.admin import is_answering
from vigie.broker.topics import ensure_alerts_topic, ensure_topics
from vigie.collection.inbox import make_folders
from vigie.contract.loader import get_feed, load_feeds
from vigie.local import (
    airflow,
    airflow_api,
    documents,
    exporter,
    ingest_api,
    kafka,
    mlflow,
    pages,
    postgres,
    powerbi,
    prometheus,
    spark,
    supervisord,
)
from vigie.local.control import Control
from vigie.local.environment import daemon_environment
from vigie.local.first_start import prepare_airflow
from vigie.local.history import send_first_history
from vigie.local.jars import fetch_jars
from vigie.local.lock import hold
from vigie.local.machine import check_machine
from vigie.local.parts import all_programs, require_ports
from vigie.local.processes import describe, end, stack_processes
from vigie.local.simulators import PROGRAM, simulate_also
from vigie.local.stack import Stack, prepare_stack, state_folder
from vigie.local.streams import wait_until_live, wait_until_read
from vigie.local.waiting import wait_for, wait_until_healthy
from vigie.warehouse import migrate


@dataclass(frozen=True)
class Start:
    """One `vigie up`: the feeds to bring to life, and where to say what is done."""

    feeds: Sequence[str]
    simulate: bool
    history: bool
    say: Callable[[str], None]

    def run(self) -> Stack:
        """Bring the whole stack up; returns once it is healthy and the streams run.

        Raises:
            StackError: A part cannot start; the message names it, its log and the next step.
        """
        state = state_folder()
        state.mkdir(parents=True, exist_ok=True)
        with hold(state / ".lock"):
            self.say(check_machine(state))
            fetched = fetch_jars()
            self.say(f"jars: {'fetched ' + ', '.join(fetched) if fetched else 'complete'}")
            stack = prepare_stack()
            self._start_manager(stack)
            self._start_services(stack)
            self._start_airflow(stack)
            self._start_feeds(stack)
        return stack

    def _start_manager(self, stack: Stack) -> None:
        control = Control(stack)
        running = control.alive()
        orphans = [] if running else stack_processes(stack)
        if orphans:
            self.say(f"ending what an earlier process manager left: {describe(orphans)}")
            end(orphans)
        require_ports(stack, control.states())
        for part in (kafka, spark, airflow, prometheus):
            part.initialise(stack)
        if postgres.initialise(stack):
            self.say("PostgreSQL: new data folder made")
        if self.simulate:
            simulate_also(stack, self.feeds)
        supervisord.write_config(stack, all_programs(stack))
        if running:
            control.reload()
        else:
            supervisord.launch(stack, daemon_environment(stack))
            self.say("process manager started")

    def _start_services(self, stack: Stack) -> None:
        kept = [program.name for program in documents.programs(stack)]
        self._begin(stack, "postgres", "kafka", "spark-master", "spark-worker", *kept)
        wait_for(stack, "postgres", lambda: postgres.is_up(stack), timeout=120)
        postgres.ensure_roles(stack)
        # It takes its time, and no other part of the start needs it.
        self._begin(stack, mlflow.PROGRAM, powerbi.PROGRAM)
        airflow_tables = airflow.start_migration(stack, daemon_environment(stack))
        if airflow_tables is None:
            # Its boot is the longest of all: not to wait for what else boots.
            self._begin_airflow(stack)
        applied = migrate.apply()
        self.say(f"PostgreSQL answers; migrations applied: {len(applied)}")
        wait_for(stack, "kafka", is_answering, timeout=180)
        made = len(ensure_topics(load_feeds().values())) + ensure_alerts_topic()
        self.say(f"Kafka answers; topics made: {made}")
        ingest_api.ensure_key(stack)
        watching = [program.name for program in prometheus.programs(stack)]
        self._begin(stack, ingest_api.PROGRAM, exporter.PROGRAM, *watching, pages.PROGRAM)
        if self.simulate and self.history:
            # Airflow boots meanwhile, and the streams find it when they begin.
            send_first_history(stack, self.feeds, self.say)
        wait_for(stack, "spark-worker", lambda: bool(spark.workers(stack)), timeout=180)
        self.say("Spark master and worker answer")
        for name in kept:
            wait_for(stack, name, lambda: documents.is_up(stack), timeout=60)
            self.say("the document server answers")
        if airflow_tables is not None:
            airflow.finish_migration(stack, airflow_tables)
            self.say("Airflow's tables made or brought up to date")

    def _start_airflow(self, stack: Stack) -> None:
        self._begin_airflow(stack)
        wait_for(
            stack,
            "airflow-api-server",
            lambda: airflow_api.health(stack) is not None,
            timeout=300,
        )
        self.say("Airflow's API server answers")
        streams = (f"stream_{feed}" for feed in self.feeds)
        make_folders(load_feeds())
        housekeeping = ("migrate_warehouse", "reconcile_feeds", "roll_up_feeds")
        own = ("collect_files", "notify_alerts", *housekeeping)
        self._unpause(stack, (*own, *streams))

    def _start_feeds(self, stack: Stack) -> None:
        if self.simulate:
            self._begin(stack, PROGRAM)
        # MLflow boots on what the others leave, and no stream waits for it.
        wait_until_healthy(stack, timeout=240, later=(mlflow.PROGRAM, powerbi.PROGRAM))
        self.say("every part is healthy")
        for feed, state in wait_until_live(stack, self.feeds, timeout=180 + 60 * len(self.feeds)):
            self.say(f"stream {feed}: {state}")
        for feed, left in wait_until_read(self.feeds, timeout=60).items():
            self.say(f"stream {feed} still reads {left} messages that waited; see `vigie status`")
        wait_for(stack, mlflow.PROGRAM, lambda: mlflow.is_up(stack), timeout=240)
        # A training begins as its DAG is unpaused: on all of the history, and not beside the boot.
        models = [feed.model.name for feed in map(get_feed, self.feeds) if feed.model]
        dags = [f"{kind}_{model}" for model in models for kind in ("train", "return_model")]
        nightly = [feed.nightly_model for feed in map(get_feed, self.feeds)]
        dags += [f"forecast_{model.name}" for model in nightly if model]
        # Its first run compacts all of the history, which is not for the start to wait for.
        self._unpause(stack, [*dags, "compact_facts", "monitor_models", "refresh_powerbi"])

    def _unpause(self, stack: Stack, dags: Sequence[str]) -> None:
        unpaused = prepare_airflow(stack, dags, timeout=240)
        if unpaused:
            self.say(f"unpaused {', '.join(unpaused)}")

    def _begin_airflow(self, stack: Stack) -> None:
        self._begin(stack, *(program.name for program in airflow.programs(stack)))

    def _begin(self, stack: Stack, *programs: str) -> None:
        control = Control(stack)
        started = [name for name in programs if control.start(name)]
        if started:
            self.say(f"starting {', '.join(started)}")
