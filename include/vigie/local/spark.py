"""The Spark standalone master and worker: their files and commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

import httpx

from vigie.local.jars import pyspark_folder
from vigie.local.ports import LOOPBACK
from vigie.local.programs import Program
from vigie.local.stack import Stack
from vigie.supervision.driver import SHOWN_METRICS

# What the worker advertises is bookkeeping of the master, not use: with the machine's own two
# cores a third driver would wait for ever.
_CORES, _MEMORY = "16", "12g"
_FILTER = "org.apache.spark.ui.JWSFilter"


def programs(stack: Stack) -> list[Program]:
    """Master and worker; the drivers run as children of the worker."""
    launcher = str(pyspark_folder() / "bin" / "spark-class")
    shared = ("--host", LOOPBACK, "--properties-file", str(stack.state / "spark" / "spark.conf"))
    master = (
        *(launcher, "org.apache.spark.deploy.master.Master", *shared),
        *("--port", str(stack.ports["spark_master"])),
        *("--webui-port", str(stack.ports["spark_master_ui"])),
    )
    worker = (
        *(launcher, "org.apache.spark.deploy.worker.Worker", *shared),
        *("--cores", _CORES, "--memory", _MEMORY),
        *("--work-dir", str(stack.state / "spark" / "work")),
        *("--webui-port", str(stack.ports["spark_worker_ui"])),
        f"spark://{stack.address('spark_master')}",
    )
    # The worker ends its drivers one after the other.
    key = sha256(stack.secrets["spark_rest"].encode()).hexdigest()
    return [
        Program("spark-master", master, reads=key),
        Program("spark-worker", worker, stop_seconds=15),
    ]


def initialise(stack: Stack) -> None:
    """Write the configuration of master and worker."""
    folder = stack.state / "spark"
    (folder / "work").mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    secret = stack.secrets["spark_rest"]
    options = {
        "spark.master.rest.enabled": "true",
        "spark.master.rest.host": LOOPBACK,
        "spark.master.rest.port": str(stack.ports["spark_rest"]),
        # Whoever may submit a driver runs any command here.
        "spark.master.rest.filters": _FILTER,
        f"spark.{_FILTER}.param.secretKey": secret,
        # Whoever may open the page may look, and kill nothing.
        "spark.ui.killEnabled": "false",
        # Whoever is killed was asked to stop before, or does not hear: by default a worker waits 10
        # seconds for it, and launches no other driver meanwhile.
        "spark.worker.driverTerminateTimeout": "2s",
        # A master that begins with nothing has the worker kill every driver it does not know.
        "spark.deploy.recoveryMode": "ROCKSDB",
        "spark.deploy.recoveryDirectory": str(folder / "recovery"),
        # For so long it takes no drivers where a worker of before is gone.
        "spark.deploy.recoveryTimeout": "15s",
        **SHOWN_METRICS,
    }
    conf = os.open(folder / "spark.conf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(conf, "w") as file:
        file.writelines(f"{name} {value}\n" for name, value in options.items())
    (folder / "spark.conf").chmod(0o600)  # One of before the key was everybody's to read.


def environment(stack: Stack) -> Mapping[str, str]:
    """What Spark's daemons, and spark-submit, read from the environment."""
    return {
        "SPARK_HOME": str(pyspark_folder()),
        "SPARK_CONF_DIR": str(stack.state / "spark"),
        "SPARK_LOCAL_DIRS": str(stack.state / "spark" / "tmp"),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "256m",
    }


def workers(stack: Stack) -> int | None:
    """How many workers the master sees alive; None while the master does not answer."""
    try:
        reply = httpx.get(f"http://{stack.address('spark_master_ui')}/json/", timeout=2)
        return int(reply.raise_for_status().json()["aliveworkers"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None
