"""A local stack's Airflow, as its operators use it: by command, and by REST to look."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.local_stack import LocalStack, wait_for
from vigie.local import airflow_api
from vigie.local.environment import stack_environment
from vigie.local.postgres import connect

RUN = 600
"""Seconds a run may take on a busy machine."""
_DONE = ("success", "failed")


@dataclass(frozen=True)
class Airflow:
    """The Airflow of a running stack."""

    local: LocalStack

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `airflow` in the environment that `vigie env` prints."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("airflow")), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=os.environ | stack_environment(self.local.stack),
        )

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def unpaused(self, *dags: str) -> Iterator[None]:
        """Unpause DAGs for as long as the block lasts."""
        for dag in dags:
            self.do("dags", "unpause", dag)
        try:
            yield
        finally:
            for dag in dags:
                self.do("dags", "pause", dag)

    def get(self, path: str, **query: Any) -> Any:
        """What the REST interface answers."""
        with airflow_api.log_in(self.local.stack) as client:
            return client.get(path, params=query).raise_for_status().json()

    def runs(self, dag: str, run_type: str) -> list[dict[str, Any]]:
        """The runs of one type, by logical date."""
        found = self.get(f"/dags/{dag}/dagRuns", run_type=run_type, order_by="logical_date")
        return list(found["dag_runs"])

    def finished(self, dag: str, run_type: str) -> dict[str, Any]:
        """The newest run of a type, once it has ended."""

        def newest() -> dict[str, Any] | None:
            runs = self.runs(dag, run_type)
            return runs[-1] if runs and runs[-1]["state"] in _DONE else None

        return wait_for(newest, f"a {run_type} run of {dag} to end", RUN)

    def tasks(self, run: dict[str, Any]) -> dict[str, str]:
        """The state of each task of a run."""
        path = f"/dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'])}/taskInstances"
        return {each["task_id"]: each["state"] for each in self.get(path)["task_instances"]}

    def backfill(self, dag: str, first: str, last: str, *more: str) -> None:
        """Create a backfill; both days are in it."""
        days = ("--from-date", first, "--to-date", last)
        self.do("backfill", "create", "--dag-id", dag, *days, *more)

    def backfill_ended(self, dag: str) -> bool:
        """Whether no backfill of the DAG is at work."""
        found = self.get("/backfills", dag_id=dag)["backfills"]
        return bool(found) and all(each["completed_at"] for each in found)

    def heavy_tasks(self) -> list[tuple[Any, Any]]:
        """Begin and end of every try of a task in the pool `heavy`, by begin."""
        columns = "start_date, coalesce(end_date, now())"
        wanted = "pool = 'heavy' AND start_date IS NOT NULL AND state IN ('success', 'failed')"
        query = " UNION ".join(
            f"SELECT {columns} FROM {table} WHERE {wanted}"
            for table in ("task_instance", "task_instance_history")
        )
        with connect(self.local.stack, "airflow") as connection:
            return connection.execute(f"{query} ORDER BY 1").fetchall()
