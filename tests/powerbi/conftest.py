from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.powerbi.power_query import Columns
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import get_settings

_TYPES = {
    "text": "string",
    "bigint": "int64",
    "integer": "int64",
    "smallint": "int64",
    "double precision": "double",
    "boolean": "boolean",
    "timestamp with time zone": "dateTime",
    "date": "dateTime",
}
_COLUMNS = """
SELECT table_name, column_name, data_type
FROM information_schema.columns
WHERE table_schema = 'report'
"""


def report_columns(stack: Stack, database: str) -> dict[str, Columns]:
    """The columns of every `report` view of a database, with the model's types."""
    found: dict[str, Columns] = {}
    with connect(stack, database) as connection:
        for view, column, kind in connection.execute(_COLUMNS).fetchall():
            found.setdefault(view, {})[column] = _TYPES.get(kind, kind)
    return found


@pytest.fixture(scope="session")
def views(postgres: Stack) -> dict[str, Columns]:
    """The columns of every `report` view that the migrations make."""
    return report_columns(postgres, "vigie")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Power BI project, to be spoilt."""
    return shutil.copytree(get_settings().powerbi, tmp_path / "powerbi")


@pytest.fixture(scope="session")
def validator() -> Path:
    """Microsoft's validator of reports, which `make test` installs."""
    root = Path(__file__).resolve().parents[2] / ".cache/powerbi"
    program = root / "node_modules/.bin/powerbi-report-author"
    if not program.exists():
        pytest.skip(
            f"Microsoft's validator is not at {program}: install Node.js 20, then make test"
        )
    return program
