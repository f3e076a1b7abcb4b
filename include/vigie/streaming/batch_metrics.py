"""How long a driver's batches take and how many readings came late, for Prometheus.

Only the driver knows; nothing of it is stored. A new launch begins at zero, as a counter may.
"""

from __future__ import annotations

import logging
import threading
import time

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from vigie.settings import get_settings

log = logging.getLogger(__name__)

registry = CollectorRegistry()
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TRIES, _PAUSE = 60, 5.0

batch_seconds = Histogram(
    "vigie_batch_seconds",
    "How long a batch took: `spark` reads, parses and checks; `split` takes apart what it gave; "
    "`warehouse` stores it, attempts that were repeated included.",
    ("feed", "phase"),
    buckets=_BUCKETS,
    registry=registry,
)
late_readings = Counter(
    "vigie_batch_late_readings",
    "Readings in committed batches that came late, copies included.",
    ("feed",),
    registry=registry,
)


def show_metrics() -> None:
    """Serve them at the address and port of the settings, if there is a port."""
    settings = get_settings()
    if settings.driver_metrics:
        where = (settings.driver_metrics_host, settings.driver_metrics)
        threading.Thread(target=_serve, args=where, name="metrics", daemon=True).start()


def _serve(host: str, port: int) -> None:
    for _ in range(_TRIES):
        try:
            start_http_server(port, addr=host, registry=registry)
        except OSError as error:
            # The driver before may hold it for a moment.
            log.info("metrics: port %d: %s", port, error)
            time.sleep(_PAUSE)
        else:
            return
    log.warning("metrics: port %d stays taken; this launch shows none", port)
