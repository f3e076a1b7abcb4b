"""One YAML, the SQL that is planned from it, and the Power BI project follows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.powerbi.conftest import report_columns
from tests.powerbi.model import Model, model_faults
from tests.powerbi.tmdl import read_folder
from vigie.contract.loader import load_feed, load_feeds
from vigie.generated import write
from vigie.local.stack import Stack
from vigie.powerbi.project import due
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.plan import make_plan

pytestmark = pytest.mark.warehouse

CONTRACT = """
feed: cold_store
title: Jo's "cold" stores
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
"""


def test_a_sixth_feed_is_one_file(tmp_path: Path, warehouse: Engine, postgres: Stack) -> None:
    (tmp_path / "cold_store.yaml").write_text(CONTRACT, "utf-8")
    feed = load_feed(tmp_path / "cold_store.yaml")
    feeds = [*load_feeds().values(), feed]
    with get_engine("owner").begin() as connection:
        for name, sql in make_plan(feeds, get_settings().ddl).files.items():
            if name.startswith("postgresql/"):
                connection.execute(text(sql))
    project = shutil.copytree(get_settings().powerbi, tmp_path / "powerbi")

    write(due(feeds, project), project)

    read = read_folder(project / "Vigie.SemanticModel/definition")
    model = Model(read.root)
    database = warehouse.url.database
    assert database
    assert [*read.faults, *model_faults(model, report_columns(postgres, database))] == []
    tables = {"cold_store hourly", "cold_store now", "cold_store last day"}
    assert tables <= model.tables.keys()
    measures = {"celsius mean", "celsius P95", "openings maximum", "is_open mean", "warm hours"}
    assert {f"cold_store {name}" for name in measures} <= model.measures.keys()
    assert "cold_store door_open hours" not in model.measures
