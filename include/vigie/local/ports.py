"""Which ports the parts of a stack listen on, all on 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from random import SystemRandom

import psutil

from vigie.errors import StackError

LOOPBACK = "127.0.0.1"
USUAL: Mapping[str, int] = {
    "airflow": 8080,
    "kafka": 9092,
    "kafka_controller": 9093,
    "postgres": 5433,
    "spark_master": 7077,
    "spark_master_ui": 8081,
    "spark_worker_ui": 8082,
    "spark_rest": 6066,
    "spark_drivers": 4040,
    "driver_metrics": 9200,
    "documents": 27017,
    "ingest": 8000,
    "mlflow": 5000,
    "exporter": 9188,
    "powerbi": 8443,
    "pages": 8501,
    "prometheus": 9090,
    "alertmanager": 9095,
    "pushgateway": 9091,
    "statsd_exporter": 9102,
    "statsd": 9125,
    "load": 9646,
}
"""The port of each part when nothing else has it; `spark_drivers` is the first of a row.

`statsd` is of UDP: what Airflow sends its metrics to. `load` is for the metrics of a load test.
"""
WIDTH: Mapping[str, int] = {"spark_drivers": 16, "driver_metrics": 16}
"""How many ports in a row a part takes; one where it is not named: one Spark UI per feed."""
# Below the range from which Linux takes the ports of outgoing connections: a port chosen now is
# still free when its part starts a minute later.
_LOWEST, _HIGHEST = 12_000, 32_000


def choose_ports(known: Mapping[str, int], *, only_free: bool = False) -> dict[str, int]:
    """Complete `known` to a port for every part; known ports stay as they are.

    The usual port is taken when it is free and `only_free` is off, else a random free one.
    """
    chosen = {part: known[part] for part in USUAL if part in known}
    for part, usual in USUAL.items():
        if part in chosen:
            continue
        taken = {port for other, first in chosen.items() for port in _row(other, first)}
        candidates = _candidates(() if only_free else (usual,))
        chosen[part] = next(
            port
            for port in candidates
            if taken.isdisjoint(_row(part, port)) and all(map(is_free, _row(part, port)))
        )
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(part: str, port: int) -> None:
    """Return if the part can have its port.

    Raises:
        StackError: Another process listens there; it is named where the system tells.
    """
    if not is_free(port):
        message = (
            f"{part}: port {port} is taken by {_holder(port)}. End that process, or change "
            f"STACK_PORT_{part.upper()} in vigie.env of the state folder; then `vigie up` again"
        )
        raise StackError(message)


def _row(part: str, first: int) -> range:
    return range(first, first + WIDTH.get(part, 1))


def _candidates(preferred: tuple[int, ...]) -> Iterator[int]:
    yield from preferred
    draw = SystemRandom()
    for _ in range(1000):
        yield draw.randrange(_LOWEST, _HIGHEST)
    message = f"no free port found between {_LOWEST} and {_HIGHEST} on {LOOPBACK}"
    raise StackError(message)


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN and connection.pid
            if listening and (connection.laddr or [None, 0])[1] == port:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another process"
