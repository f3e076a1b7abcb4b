"""A feed nobody planned for: one YAML and planned SQL, and everything else follows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.services import environment
from vigie.settings import HOME
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.warehouse

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


def rows(statement: str) -> list[tuple]:
    with get_engine("reader").connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]
