"""Airflow's environment, files and commands on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from vigie.errors import StackError
from vigie.local import prometheus
from vigie.local.ports import LOOPBACK
from vigie.local.postgres import data_folder
from vigie.local.programs import Program
from vigie.local.stack import Stack, last_lines
from vigie.settings import HOME

ADMIN = "admin"


def programs(stack: Stack) -> list[Program]:
    """The four components; a running task has until the scheduler's kill to end."""
    airflow = str(Path(sys.executable).with_name("airflow"))
    # All components share one log folder: nothing needs to be served from one to another.
    return [
        Program("airflow-api-server", (airflow, "api-server")),
        Program("airflow-dag-processor", (airflow, "dag-processor")),
        Program("airflow-scheduler", (airflow, "scheduler", "--skip-serve-logs")),
        # Told together with its child it waits 10 seconds for a child that has gone.
        Program("airflow-triggerer", (airflow, "triggerer", "--skip-serve-logs"), stop_alone=True),
    ]


def initialise(stack: Stack) -> None:
    """Make AIRFLOW_HOME and the file with the administrator's password."""
    home = _home(stack)
    home.mkdir(parents=True, exist_ok=True)
    passwords = os.open(_passwords(stack), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(passwords, "w") as file:
        json.dump({ADMIN: stack.secrets["airflow_admin"]}, file)


def environment(stack: Stack) -> Mapping[str, str]:
    """Every setting of Airflow's; the `airflow` command needs the same."""
    address = f"http://{stack.address('airflow')}"
    spark = {"conn_type": "spark", "host": "local[1]", "extra": {"deploy-mode": "client"}}
    alerts = {
        "bootstrap.servers": stack.address("kafka"),
        "group.id": "notify_alerts.watcher",
        # What wakes `notify_alerts` is committed once its event is stored.
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    }
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_FOLDER": str(HOME / "dags"),
        "CORE__PLUGINS_FOLDER": str(HOME / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "CORE__FERNET_KEY": stack.secrets["airflow_fernet"],
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(stack)),
        # The default looks the name up in DNS, which takes seconds where there is none.
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "DATABASE__SQL_ALCHEMY_CONN": stack.database("airflow", driver="psycopg2"),
        "API__HOST": LOOPBACK,
        "API__PORT": str(stack.ports["airflow"]),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        "API__SECRET_KEY": stack.secrets["airflow_api"],
        "API_AUTH__JWT_SECRET": stack.secrets["airflow_jwt"],
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
        "LOGGING__COLORED_CONSOLE_LOG": "False",
    }
    if prometheus.STATSD_EXPORTER in prometheus.installed():
        settings |= _metrics(stack)
    return {f"AIRFLOW__{name}": value for name, value in settings.items()} | {
        "AIRFLOW_HOME": str(_home(stack)),
        "AIRFLOW_CONN_SPARK_LOCAL": json.dumps(spark),
        "AIRFLOW_CONN_KAFKA_ALERTS": json.dumps({"conn_type": "kafka", "extra": alerts}),
    }


def _metrics(stack: Stack) -> Mapping[str, str]:
    return {
        "METRICS__STATSD_ON": "True",
        "METRICS__STATSD_HOST": LOOPBACK,
        "METRICS__STATSD_PORT": str(stack.ports["statsd"]),
        # What a metric is about goes into labels, not into its name.
        "METRICS__STATSD_INFLUXDB_ENABLED": "True",
        "METRICS__LEGACY_NAMES_ON": "False",
    }


def start_migration(stack: Stack, env: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """Begin bringing Airflow's tables up to date; None when this version has done so before.

    It takes a good part of a minute, in which other parts can start.
    """
    marker = _marker(stack)
    if marker.is_file() and marker.read_text() == version("apache-airflow"):
        return None
    with stack.log("airflow-migrate").open("wb") as log:
        command = (str(Path(sys.executable).with_name("airflow")), "db", "migrate")
        null = subprocess.DEVNULL
        return subprocess.Popen(command, env=env, stdin=null, stdout=log, stderr=log)


def finish_migration(stack: Stack, migration: subprocess.Popen[bytes]) -> None:
    """Wait for the migration and remember that the tables fit this version of Airflow.

    Raises:
        StackError: It failed, or has not ended after 5 minutes.
    """
    try:
        code = migration.wait(300)
    except subprocess.TimeoutExpired:
        migration.kill()
        code = migration.wait()
    if code != 0:
        program = "airflow-migrate"
        message = (
            f"airflow db migrate ended with {code}. Its log is {stack.log(program)}, which ends:\n"
            f"{last_lines(stack, program)}"
        )
        raise StackError(message)
    _marker(stack).write_text(version("apache-airflow"))


def _home(stack: Stack) -> Path:
    return stack.state / "airflow"


def _passwords(stack: Stack) -> Path:
    return _home(stack) / "passwords.json"


def _marker(stack: Stack) -> Path:
    # Beside the data it speaks of: whoever removes the one removes the other.
    return data_folder(stack).with_name("airflow-version")
