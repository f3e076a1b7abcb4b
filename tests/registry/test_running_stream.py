"""A driver swaps its model while it runs, and stores readings whatever the registry does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest
from sqlalchemy import Engine, func, select, text

from benchmarks.sides import alive, running_stream
from tests.local_stack import wait_for
from tests.readings import place
from tests.registry.test_hot_swap import MODEL, promote, promote_tampered
from tests.services import environment, forget_topic
from tests.warehouse.scoring import backtested, cut, distinct, feed, said_by, trained
from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics
from vigie.modelling.readings import Readings
from vigie.modelling.register import open_client
from vigie.reconciliation.reconcile import reconcile
from vigie.supervision.driver import JAVA_OPTIONS
from vigie.warehouse import core

pytestmark = [pytest.mark.warehouse, pytest.mark.broker, pytest.mark.spark]


@pytest.mark.timeout(600)
def test_a_stream_swaps_its_model_without_a_restart(
    kafka: str, registry: str, warehouse: Engine, tmp_path: Path
) -> None:
    forget_topic(feed())
    ensure_topics([feed()])
    readings = distinct(400, seed=17)
    before, *others = cut(readings, [200, 250, 300, 350])
    first, log = promote(), tmp_path / "stream.log"
    with (
        environment(VIGIE_MODEL_LOOK="1"),
        running_stream(log, feed(), java_options=JAVA_OPTIONS) as driver,
    ):
        check = alive(driver, log)

        def wait(holds: Callable[[], bool], what: str) -> None:
            wait_for(lambda: check() or holds(), what)

        send(before)
        wait(lambda: count(warehouse) == len(before), "the first predictions")
        done = len(before)
        for number, others_do in enumerate((second_champion, third_is_tampered, registry_emptied)):
            word = others_do(tmp_path)
            wait(lambda word=word: word in model(warehouse), f"the stream to say {word!r}")
            send(others[number])
            done += len(others[number])
            wait(lambda done=done: count(warehouse) == done, "further predictions")
        launches = select(func.count()).select_from(core.launch)
        with warehouse.connect() as connection:
            assert connection.scalar(launches) == 1

    said = said_by(warehouse)
    expected = backtested(readings)[: len(before)]
    keys = list(zip(readings.sensors.tolist(), readings.times, strict=True))
    found = [said[key]["predicted"] for key in keys[: len(before)]]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    versions = {said[key]["model_version"] for key in keys[: len(before)]}
    assert versions == {first.version}
    assert {said[key]["model_version"] for key in keys[len(before) : done]} == {first.version + 1}
    assert all(row["reason"] is None for row in said.values())
    assert reconcile(feed(), warehouse, patience=5).unaccounted == ()


def second_champion(_: Path) -> str:
    return f"version {promote(trained(8)).version}"


def third_is_tampered(folder: Path) -> str:
    promote_tampered(folder)
    return "was changed"


def registry_emptied(_: Path) -> str:
    with open_client() as client:
        client.delete_registered_model(MODEL)
    return "no version is champion"


def send(readings: Readings) -> None:
    of = feed()
    with Sender(make_producer(max_message=of.kafka.max_message)) as sender:
        for row, (sensor, at) in enumerate(zip(readings.sensors, readings.times, strict=True)):
            message: dict[str, object] = {}
            place(message, of.sensor, str(sensor))
            place(message, of.event_time, f"{at}Z")
            for name, values in readings.values.items():
                value = float(values[row])
                place(message, of.fields[name].path, None if np.isnan(value) else value)
            sender.send(of.topic, str(sensor).encode(), orjson.dumps(message))
    assert sender.failed == 0


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT count(predicted) FROM report.nox_prediction"))
        return int(found.scalar_one())


def model(engine: Engine) -> str:
    t = core.heartbeat.c
    with engine.connect() as connection:
        return connection.scalar(select(t.model).where(t.feed == feed().name)) or ""
