"""A fleet of meters over HTTP, as Locust runs it: each posts a reading at its own pace.

What a device does is done here: a reading that was not answered is sent again until it is, and one
that was refused is not. `python -m benchmarks.load` starts this and sets the variables.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, constant_pacing, events, task
from prometheus_client import CollectorRegistry, Histogram, start_http_server

from benchmarks.load.profiles import PROFILES
from vigie.contract.loader import get_feed
from vigie.simulator.moments import Moment
from vigie.simulator.simulation import Simulation

FEED = get_feed(os.environ["VIGIE_LOAD_FEED"])
METERS = int(os.environ["VIGIE_LOAD_METERS"])
SECONDS = float(os.environ["VIGIE_LOAD_SECONDS"])
PACE = float(os.environ["VIGIE_LOAD_PACE"])
PROFILE = PROFILES[os.environ["VIGIE_LOAD_PROFILE"]]
_AT_ONCE = 100
_LATER = 1.0

registry = CollectorRegistry()
seconds = Histogram(
    "locust_request_seconds", "Time to the answer, by status.", ["status"], registry=registry
)
answers: Counter[str] = Counter()
simulation = Simulation(
    FEED,
    METERS,
    seed=random.SystemRandom().randrange(2**31),
    fault_rate=float(os.environ["VIGIE_LOAD_FAULTS"]),
    every=timedelta(seconds=PACE),
)


def moments() -> Iterator[Moment]:
    """Each meter in turn, now: never the same millisecond twice for one."""
    last = datetime.min.replace(tzinfo=UTC)
    while True:
        now = datetime.now(UTC)
        last = max(now.replace(microsecond=0), last + timedelta(milliseconds=1))
        for meter in range(METERS):
            yield meter, last


messages = simulation.messages(moments(), at_once=_AT_ONCE)


class Meter(FastHttpUser):
    """One connection, and a reading every `PACE` seconds."""

    wait_time = constant_pacing(PACE)

    def on_start(self) -> None:
        """Begin somewhere in the pace: meters do not report on one stroke."""
        gevent.sleep(random.random() * PACE)

    @task
    def report(self) -> None:
        """Post the next reading until it is answered."""
        value = next(messages).value
        while not self._post(value):
            gevent.sleep(_LATER)

    def _post(self, value: bytes) -> bool:
        headers = {
            "Authorization": f"Bearer {os.environ['VIGIE_INGEST_KEY']}",
            "Content-Type": "application/json",
        }
        with self.client.post(
            f"/v1/readings/{FEED.name}", data=value, headers=headers, catch_response=True
        ) as answer:
            answers[str(answer.status_code)] += 1
            if answer.status_code == 202:
                answers["accepted"] += answer.json()["accepted"]
                answer.success()
                return True
            if answer.status_code in (400, 422):
                answers["refused"] += 1
                answer.success()
                return True
            answer.failure(f"answered {answer.status_code}; sent again")
            return False


class Shape(LoadTestShape):
    """How many meters there are as time goes on."""

    def tick(self) -> tuple[int, float] | None:
        """The number of meters now and how fast to get there; None ends the run."""
        now = self.get_run_time()
        if now > SECONDS:
            return None
        return max(round(METERS * PROFILE(now / SECONDS)), 1), METERS / 10


@events.init.add_listener
def expose(environment: Any, **_: Any) -> None:
    """Let the stack's Prometheus scrape the run."""
    start_http_server(int(os.environ["VIGIE_LOAD_METRICS"]), addr="127.0.0.1", registry=registry)


@events.request.add_listener
def count(response_time: float, response: Any, **_: Any) -> None:
    """Count a request by its answer; 0 is none."""
    seconds.labels(getattr(response, "status_code", 0)).observe(response_time / 1000)


@events.quitting.add_listener
def tell(**_: Any) -> None:
    """Leave what was answered where the report finds it."""
    Path(os.environ["VIGIE_LOAD_ANSWERS"]).write_text(json.dumps(answers))
