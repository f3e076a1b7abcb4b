"""The Power BI project agrees with itself, with the warehouse, and with Microsoft's format."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.powerbi.model import Model, model_faults
from tests.powerbi.power_query import Columns
from tests.powerbi.report import report_faults, schema_faults
from tests.powerbi.tmdl import read_folder
from vigie.settings import get_settings

pytestmark = pytest.mark.warehouse

_TABLES = "Vigie.SemanticModel/definition/tables"
_PAGES = "Vigie.Report/definition/pages"


def faults(project: Path, views: Mapping[str, Columns]) -> list[str]:
    read = read_folder(project / "Vigie.SemanticModel/definition")
    model = Model(read.root)
    return [
        *read.faults,
        *model_faults(model, views),
        *schema_faults(project),
        *report_faults(project, model),
    ]


def validated(validator: Path, project: Path) -> dict[str, Any]:
    """What Microsoft's validator says, without fetching the schemas from the network."""
    command = [str(validator), "validate", "--no-schema", str(project / "Vigie.pbip")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    answer: dict[str, Any] = json.loads(run.stdout)["data"]
    assert run.returncode == (1 if answer["result"] == "failed" else 0)
    return answer


@dataclass(frozen=True)
class Mistake:
    """A text of a file that is put in the place of another, and what must be said of it."""

    name: str
    file: str
    old: str
    new: str
    said: str


MISTAKES = (
    Mistake(
        "a page shows a measure that is not there",
        f"{_PAGES}/nox/visuals/course/visual.json",
        '"Property": "nox predicted"',
        '"Property": "nox forecasted"',
        "nox/course: no measure Measures[nox forecasted] in the model",
    ),
    Mistake(
        "a page shows a column of another table",
        f"{_PAGES}/live/visuals/air-table/visual.json",
        '"Property": "pm10"',
        '"Property": "nox"',
        "live/air-table: no column air_quality now[nox] in the model",
    ),
    Mistake(
        "a column is read that the view has not",
        f"{_TABLES}/nox prediction.tmdl",
        '"residual", "model_version"',
        '"residual", "version"',
        "table nox prediction: no column version in what is read there",
    ),
    Mistake(
        "a column of the model has no source",
        f"{_TABLES}/Sensor.tmdl",
        "sourceColumn: last_seen",
        "sourceColumn: seen",
        "Sensor[Last seen]: its query gives no 'seen'",
    ),
    Mistake(
        "a column has another type than the view's",
        f"{_TABLES}/fleet now.tmdl",
        "dataType: double",
        "dataType: int64",
        "is int64, the view has double",
    ),
    Mistake(
        "a query reads a view that is not there",
        f"{_TABLES}/Watermark.tmdl",
        'Item = "watermark"',
        'Item = "watermarks"',
        "report.watermarks is no view of the warehouse",
    ),
    Mistake(
        "a measure names a column that is not there",
        f"{_TABLES}/Measures.tmdl",
        "'fleet hourly'[temperature_max]",
        "'fleet hourly'[temperature_highest]",
        "no column 'fleet hourly'[temperature_highest]",
    ),
    Mistake(
        "a measure names a measure that is not there",
        f"{_TABLES}/Measures.tmdl",
        "DIVIDE([fleet flagged]",
        "DIVIDE([fleet flags]",
        "no measure [fleet flags]",
    ),
    Mistake(
        "a function is misspelt",
        f"{_TABLES}/Measures.tmdl",
        "PERCENTILEX.INC('fleet hourly'",
        "PERCENTILX.INC('fleet hourly'",
        "no function PERCENTILX.INC",
    ),
    Mistake(
        "a bracket is left open",
        f"{_TABLES}/Measures.tmdl",
        "COUNTROWS(Sensor)",
        "COUNTROWS(Sensor",
        "measure 'Sensors': leaves a bracket open",
    ),
    Mistake(
        "a relationship ends at no column",
        "Vigie.SemanticModel/definition/relationships.tmdl",
        "toColumn: Rule.rule_key",
        "toColumn: Rule.rule",
        "toColumn: no column Rule[rule]",
    ),
    Mistake(
        "a data type does not exist",
        f"{_TABLES}/Date.tmdl",
        "dataType: int64",
        "dataType: integer",
        "dataType: found 'integer', expected one of",
    ),
    Mistake(
        "a line is indented by spaces",
        f"{_TABLES}/Hour.tmdl",
        "\tcolumn Hour",
        "    column Hour",
        "indented by spaces, not tabs",
    ),
    Mistake(
        "a property is misspelt",
        f"{_TABLES}/Hour.tmdl",
        "summarizeBy: none",
        "summariseBy: none",
        "'summariseBy: none' is nothing that a column has",
    ),
    Mistake(
        "two names differ in the case of letters alone",
        f"{_TABLES}/Sensor.tmdl",
        "column feed_key",
        "column feed",
        "name in table Sensor 'feed' is there 2 times",
    ),
    Mistake(
        "a refresh policy reads more than its range",
        f"{_TABLES}/fleet hourly.tmdl",
        "[hour_start] >= RangeStart and ",
        "",
        "its query ignores RangeStart or RangeEnd",
    ),
    Mistake(
        "a role leaves a live table open",
        "Vigie.SemanticModel/definition/roles/Site North works.tmdl",
        "\ttablePermission 'fleet now' = FALSE()\n",
        "",
        "role 'Site North works' leaves fleet now open to all",
    ),
    Mistake(
        "a visual has no alternative text",
        f"{_PAGES}/compare/visuals/by-hour/visual.json",
        '"altText"',
        '"alt"',
        "compare/by-hour: has no alternative text",
    ),
    Mistake(
        "a visual lies over another",
        f"{_PAGES}/overview/visuals/capture/visual.json",
        '"x": 648',
        '"x": 600',
        "capture and readings overlap",
    ),
    Mistake(
        "a visual has a property that the format has not",
        f"{_PAGES}/fleet-map/visuals/map/visual.json",
        '"tabOrder"',
        '"taborder"',
        "fleet-map/visuals/map/visual.json: $.position: Additional properties are not allowed",
    ),
    Mistake(
        "a file's version of the format is not known",
        f"{_PAGES}/pages.json",
        "pagesMetadata/1.0.0",
        "pagesMetadata/9.0.0",
        "pages.json: no schema",
    ),
)


def test_the_project_has_no_fault(views: dict[str, Columns]) -> None:
    assert faults(get_settings().powerbi, views) == []


def test_sql_server_has_every_view_that_is_read() -> None:
    """The model reads SQL Server, whose columns the tests of its DDL hold equal to PostgreSQL's."""
    settings = get_settings()
    ddl = "".join(file.read_text("utf-8") for file in settings.ddl.glob("mssql/*.sql"))
    made = set(re.findall(r"CREATE (?:OR ALTER )?VIEW report\.(\w+)", ddl))
    model = "".join(file.read_text("utf-8") for file in settings.powerbi.rglob("*.tmdl"))
    read = set(re.findall(r'Schema = "report", Item = "(\w+)"', model))
    assert read
    assert read <= made


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_is_named(mistake: Mistake, project: Path, views: dict[str, Columns]) -> None:
    file = project / mistake.file
    text = file.read_text("utf-8")
    assert mistake.old in text
    file.write_text(text.replace(mistake.old, mistake.new), "utf-8")

    found = faults(project, views)

    assert any(mistake.said in fault for fault in found), found


def test_microsofts_validator_finds_nothing(validator: Path) -> None:
    answer = validated(validator, get_settings().powerbi)
    assert answer["result"] == "succeeded", answer.get("diagnostics")


SEEN_BY_MICROSOFT = (
    Mistake(
        "a role that the visual has not",
        f"{_PAGES}/nox/visuals/scatter/visual.json",
        '"X": {',
        '"Across": {',
        "PBIR_ROLE_UNKNOWN",
    ),
    Mistake(
        "a formatting that the visual has not",
        f"{_PAGES}/overview/visuals/feeds/visual.json",
        '"mode"',
        '"modus"',
        "PBIR_FORMATTING_PROP_UNKNOWN",
    ),
    Mistake(
        "a colour that is none",
        "Vigie.Report/StaticResources/RegisteredResources/vigie-theme.json",
        "#0072B2",
        "blue-ish",
        "PBIR_THEME_COLOR_INVALID",
    ),
)


@pytest.mark.parametrize(
    "mistake", SEEN_BY_MICROSOFT, ids=lambda mistake: mistake.name.replace(" ", "-")
)
def test_microsofts_validator_names(mistake: Mistake, project: Path, validator: Path) -> None:
    file = project / mistake.file
    text = file.read_text("utf-8")
    assert mistake.old in text
    file.write_text(text.replace(mistake.old, mistake.new), "utf-8")

    answer = validated(validator, project)

    assert mistake.said in answer["diagnostics"], answer
