"""What is submitted for one launch: the driver's command, environment and Spark properties."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Any

from vigie.contract.loader import feed_files
from vigie.settings import get_settings
from vigie.supervision.output import LOG
from vigie.warehouse.connections import PREFIX
from vigie.warehouse.session import session_name

# Spark makes one method of a whole plan, longer than what Java compiles unless told to. The
# serial collector costs a third less CPU per message on two cores than the default one, and a
# collection costs the same whether it frees little or much. The thresholds, ten times the usual,
# leave the optimising compiler to what runs per reading: a start runs most methods for a moment.
JAVA_OPTIONS = (
    "-XX:-DontCompileHugeMethods -XX:+UseSerialGC -Xmn320m "
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)

SHOWN_METRICS = {
    f"spark.metrics.conf.*.{name}": value
    for name, value in {
        "sink.prometheusServlet.class": "org.apache.spark.metrics.sink.PrometheusServlet",
        "sink.prometheusServlet.path": "/metrics/prometheus",
        "source.jvm.class": "org.apache.spark.metrics.source.JvmSource",
    }.items()
}
"""Properties by which a daemon or driver of Spark's shows its metrics at its web port."""


def submission_request(
    feed: str, launch: int, *, java_options: str = JAVA_OPTIONS
) -> dict[str, Any]:
    """The master's create request for launch `launch` of `feed`; relaunching is left to us."""
    settings = get_settings()
    app = str(settings.spark_apps / "run_stream.py")
    session = {
        "spark.jars": ",".join(str(jar) for jar in sorted((settings.jars / "spark").glob("*.jar"))),
        "spark.ui.port": str(ui_port(feed)),
        "spark.ui.killEnabled": "false",
        "spark.app.name": f"vigie {feed} {launch}",
        # Metrics are named for what they are, not for each application anew.
        "spark.metrics.namespace": "stream",
        **SHOWN_METRICS,
    }
    process = {
        "spark.master": settings.spark_driver_master,
        "spark.submit.deployMode": "cluster",
        "spark.app.name": f"vigie {feed} {launch}",
        "spark.driver.supervise": "false",
        "spark.driver.cores": "1",
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.defaultJavaOptions": _in_own_folder(),
        "spark.driver.extraJavaOptions": java_options,
    }
    options = [part for name, value in session.items() for part in ("--conf", f"{name}={value}")]
    return {
        "action": "CreateSubmissionRequest",
        "clientSparkVersion": version("pyspark"),
        "appResource": f"file:{app}",
        "mainClass": "org.apache.spark.deploy.SparkSubmit",
        "appArgs": [
            *("--master", settings.spark_driver_master, *options),
            *(app, "--log", LOG, feed, str(launch)),
        ],
        "environmentVariables": _environment()
        | {
            "VIGIE_SESSION": session_name(feed, launch),
            "VIGIE_DRIVER_METRICS": str(metrics_port(feed)),
        },
        "sparkProperties": process,
    }


def ui_address(feed: str) -> str:
    """Where people reach the page of a feed's driver while one runs; empty if they cannot."""
    base = get_settings().spark_driver_ui
    return f"{base}:{ui_port(feed)}" if base else ""


def ui_port(feed: str) -> int:
    """The port of the Spark UI of a feed's driver."""
    return get_settings().spark_ui_port + _place(feed)


def metrics_port(feed: str) -> int:
    """The port at which a feed's driver shows metrics of its batches; 0 where none does."""
    first = get_settings().driver_metrics_port
    return first + _place(feed) if first else 0


def _place(feed: str) -> int:
    return [path.stem for path in feed_files()].index(feed)


def _in_own_folder() -> str:
    """Java options that keep what a driver writes in the folder its worker made for it.

    The worker starts it there, and housekeeping removes that folder as a whole.
    """
    log = get_settings().spark_apps.absolute() / "log4j2.properties"
    return f'"-Dlog4j2.configurationFile=file:{log}" -Djava.io.tmpdir=.'


def _environment() -> dict[str, str]:
    passed = {
        name: value for name, value in os.environ.items() if name.startswith(("VIGIE_", PREFIX))
    }
    if "VIGIE_KAFKA_PASSWORD" not in passed:
        # A login goes along whole or not at all: where the password is a file, the worker's machine
        # has a user and a password of its own, of one who may read.
        passed.pop("VIGIE_KAFKA_USER", None)
    if "PYTHONPATH" in os.environ:
        passed["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return passed | {
        "VIGIE_STATE": str(get_settings().state),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": ".",
    }
