from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from tests.services import kafka_broker
from vigie.broker.offsets import read_topic
from vigie.cli import app
from vigie.contract.loader import get_feed
from vigie.errors import BrokerError

pytestmark = pytest.mark.broker


VIGIE = Path(sys.executable).with_name("vigie")


def consume(address: str, topic: str, begins: dict[int, int]) -> Iterator[Message]:
    """Everything in the topic from the offsets `begins` on."""
    ends = read_topic(topic).partitions
    left = sum(ends[number][1] - begins.get(number, 0) for number in ends)
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test"})
    consumer.assign([TopicPartition(topic, number, begins.get(number, 0)) for number in ends])
    while left:
        for message in consumer.consume(min(left, 1000), timeout=10):
            assert message.error() is None
            left -= 1
            yield message
    consumer.close()


def vigie(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def ends_of(topic: str) -> dict[int, int]:
    return {number: last for number, (_, last) in read_topic(topic).partitions.items()}


@pytest.mark.parametrize(
    ("feed", "pattern", "rows", "sensors"),
    [("gas_turbine", "gas_turbine/*.csv", 22_191, 1), ("air_quality", "*/PRSA*", 210_384, 6)],
)
def test_replay_sends_every_row_keyed_by_sensor_in_time_order(
    kafka: str, shared_data: Path, feed: str, pattern: str, rows: int, sensors: int
) -> None:
    contract = get_feed(feed)
    vigie("simulate", feed, "--start", "2026-01-01", "--count", "1")
    begins = ends_of(contract.topic)
    files = [str(path) for path in sorted(shared_data.glob(pattern))]
    sent = orjson.loads(vigie("replay", feed, *files, "--json"))
    assert (sent["sent"], sent["acknowledged"]) == (rows, rows)
    assert sent["seconds"] < 20
    times: dict[str, list[str]] = {}
    partitions: Counter[tuple[str, int]] = Counter()
    for message in consume(kafka, contract.topic, begins):
        reading = orjson.loads(message.value())
        sensor = reading[contract.sensor]
        assert message.key() == sensor.encode()
        assert message.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
        times.setdefault(sensor, []).append(reading[contract.event_time])
        partitions[sensor, message.partition()] += 1
    assert sum(partitions.values()) == rows
    assert len(partitions) == len(times) == sensors, "a sensor keeps to one partition"
    assert all(a < b for measured in times.values() for a, b in pairwise(measured))


def test_a_history_sent_twice_is_the_same_bytes(kafka: str) -> None:
    topic = get_feed("fleet").topic
    history = ("simulate", "fleet", "--start", "2026-01-01", "--seed", "7", "--count")
    vigie(*history, "1")
    runs = []
    for _ in range(2):
        begins = ends_of(topic)
        vigie(*history, "500")
        runs.append(sorted((m.key(), m.value()) for m in consume(kafka, topic, begins)))
    assert len(runs[0]) == 500
    assert runs[0] == runs[1]


def test_replay_without_a_broker_says_so(tmp_path: Path) -> None:
    path = tmp_path / "gt_2011.csv"
    path.write_text("AT,AP,AH,AFDP,GTEP,TIT,TAT,TEY,CDP,CO,NOX\n1,2,3,4,5,6,7,8,9,10,11\n")
    environment = os.environ | {"VIGIE_KAFKA": "127.0.0.1:1"}
    command = [VIGIE, "replay", "gas_turbine", path]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert "127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_live_simulator_survives_the_broker_and_ends_on_sigterm(tmp_path: Path) -> None:
    folder, output = tmp_path / "broker", tmp_path / "simulator.log"
    with ExitStack() as stack:
        with kafka_broker(folder) as address:
            simulator = stack.enter_context(live_simulator(address, output))
            wait_for_messages(address, 20)
        time.sleep(3)
        assert simulator.poll() is None, "runs on without a broker"
        with kafka_broker(folder):
            wait_for_messages(address, 300)
            simulator.terminate()
            assert simulator.wait(20) == 0, output.read_text()
            assert (
                f"readings.fleet: acknowledged {wait_for_messages(address, 300)}\n"
                in output.read_text()
            )


@contextmanager
def live_simulator(address: str, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [VIGIE, "simulate", "fleet", "gas_turbine", "--rate", "50"]
    environment = os.environ | {"VIGIE_KAFKA": address}
    with output.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_for_messages(address: str, least: int) -> int:
    """The number of messages the fleet's topic holds, once it is at least `least`."""
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    deadline = time.monotonic() + 150
    found = 0
    while time.monotonic() < deadline:
        with suppress(BrokerError):
            state = read_topic("readings.fleet", admin=admin)
            found = sum(last for _, last in state.partitions.values())
        if found >= least:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{found} messages, expected {least}")
