"""A feed nobody planned for: one YAML and planned SQL, and everything else follows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer
from pyspark.sql import SparkSession
from sqlalchemy import Engine, insert, text

from tests.services import environment
from vigie.contract.loader import load_feed
from vigie.ingest.items import take_apart
from vigie.ingest.openapi import example_reading, reading_schema
from vigie.ingest.shape import Message, Wrong, make_check
from vigie.settings import HOME
from vigie.streaming.assemble import judge
from vigie.streaming.commit import Batch
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.launch import claim, raise_fence
from vigie.streaming.split import split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.ledger import OffsetRange

pytestmark = pytest.mark.spark

NAME = "cold_store"
CONTRACT = """
feed: cold_store
title: Cold stores
sensor: device.id
event_time: device.epoch_ms
fields:
  celsius: {unit: °C, valid: [-60, 60], source: measured.air.celsius}
  openings: {type: integer, valid: [0, 1000], source: measured.door.openings}
  is_open: {type: boolean, source: measured.door.is_open, required: true}
alerts:
  door_open: {severity: info, when: {field: is_open, equals: true}}
  warm: {severity: critical, when: {field: celsius, above: 8}}
windows: {pane: 1 minute, sliding: [{length: 5 minutes, slide: 1 minute}]}
late_after: 10 minutes
kafka: {partitions: 1, retention: 7 days}
"""
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def vigie(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("vigie")), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture
def copy(tmp_path: Path, warehouse: Engine) -> Iterator[Path]:
    """Contracts and migrations in a temporary copy, and the settings pointing at both."""
    feeds, ddl = tmp_path / "feeds", tmp_path / "ddl"
    shutil.copytree(HOME / "include" / "feeds", feeds)
    shutil.copytree(HOME / "warehouse_ddl", ddl)
    with environment(VIGIE_FEEDS=str(feeds), VIGIE_DDL=str(ddl)):
        yield feeds


def sent_by_devices() -> list[bytes]:
    """Messages as such devices send them: nested, with epoch milliseconds; the last two are bad."""
    good = {"air": {"celsius": 9.5}, "door": {"openings": 3, "is_open": True}}
    at = int(START.timestamp() * 1000) + 500
    bodies = [good, good | {"door": {"openings": 3.5, "is_open": True}}, {"air": {"celsius": 4}}]
    return [
        orjson.dumps({"device": {"id": "real-1", "epoch_ms": at + i}, "measured": body})
        for i, body in enumerate(bodies)
    ]


def received(address: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages = consumer.consume(count, timeout=60)
    consumer.close()
    return [message.value() for message in messages]


def make_feed(folder: Path) -> Path:
    """What the engineer does, by the commands; the contract's path."""
    path = folder / f"{NAME}.yaml"
    path.write_text(vigie("feed", "new", NAME), "utf-8")
    vigie("validate")
    path.write_text(CONTRACT, "utf-8")
    vigie("validate")
    assert f"_{NAME}.sql" in vigie("warehouse", "plan").replace("\n", "")
    assert NAME in vigie("warehouse", "apply")
    return path


def test_one_yaml_and_planned_sql_make_tables_and_dag(
    copy: Path, warehouse: Engine, tmp_path: Path
) -> None:
    make_feed(copy)

    vigie("warehouse", "verify")
    assert NAME in vigie("feed", "list")
    assert f"stream_{NAME}" in dags(tmp_path / "airflow")
    assert rows(f"SELECT count(*) FROM report.{NAME}_latest") == [(0,)]


def test_its_readings_come_through(
    copy: Path, warehouse: Engine, kafka: str, spark: SparkSession
) -> None:
    path = make_feed(copy)
    feed = load_feed(path)
    simulated = ["--sensors", "2", "--start", f"{START:%Y-%m-%dT%H:%M:%S}", "--step", "10"]
    vigie("simulate", NAME, "--count", "40", *simulated)
    bodies = received(kafka, feed.topic, 40) + sent_by_devices()
    store(warehouse, spark, path, bodies)

    assert rows("SELECT count(*) FROM report.cold_store_reading") == [(41,)]
    assert rows(
        "SELECT event_time, celsius, openings, is_open FROM report.cold_store_latest "
        "WHERE sensor = 'real-1'"
    ) == [(START + timedelta(milliseconds=500), 9.5, 3, True)]
    assert rows(
        "SELECT DISTINCT reason FROM report.quarantine WHERE feed = 'cold_store' ORDER BY 1"
    ) == [("malformed",), ("missing",)]
    assert rows("SELECT count(*) FROM report.cold_store_alert WHERE sensor = 'real-1'") == [(2,)]
    assert rows("SELECT sum(readings) FROM report.cold_store_pane") == [(41,)]


def test_the_http_api_takes_its_readings(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.yaml"
    path.write_text(CONTRACT, "utf-8")
    feed = load_feed(path)
    check = make_check(feed)

    (example,) = take_apart(orjson.dumps(example_reading(feed)))
    found = [check(item) for body in sent_by_devices() for item in take_apart(body)]

    assert isinstance(check(example), Message)
    assert found[0] == Message(b"real-1", sent_by_devices()[0])
    assert found[1] == Wrong("measured.door.openings", "found 3.5, expected a whole number")
    assert isinstance(found[2], Message), "a missing value is the stream's to judge"
    schema = reading_schema(feed)["properties"]
    assert schema["device"]["required"] == ["id", "epoch_ms"]
    assert schema["measured"]["properties"]["door"]["properties"]["is_open"]["type"] == [
        "boolean",
        "null",
    ]


def dags(home: Path) -> set[str]:
    code = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"bag = DagBag(dag_folder={str(HOME / 'dags')!r})\n"
        "assert not bag.import_errors, bag.import_errors\n"
        "print(*bag.dags)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"AIRFLOW_HOME": str(home)},
    )
    return set(run.stdout.splitlines()[-1].split())


def store(engine: Engine, spark: SparkSession, contract: Path, bodies: list[bytes]) -> None:
    feed, appended = load_feed(contract), datetime.now(UTC)
    records = spark.createDataFrame(
        [(0, i, appended, bytearray(body)) for i, body in enumerate(bodies)],
        "partition int, offset long, timestamp timestamp, value binary",
    )
    judged = split(judge(records, feed).toArrow(), feed)
    row = {"feed": feed.name, "launch": 1, "contract_hash": feed.hash, "code_version": "test"}
    with engine.begin() as connection:
        connection.execute(insert(core.launch).values(row))
    fence = claim(engine, feed.name, 1)
    assert fence is not None
    raise_fence(engine, feed.name, fence)
    writer = Store(open_warehouse(engine), engine, feed, fence=fence, pulse=Pulse())
    count = len(bodies)
    writer.store(Batch([OffsetRange("topic", 0, 0, count)], {0: count}, judged))
    writer.close()


def rows(statement: str) -> list[tuple]:
    with get_engine("reader").connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]
