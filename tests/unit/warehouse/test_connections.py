from __future__ import annotations

import pytest

from tests.services import environment
from vigie.errors import SettingsError
from vigie.warehouse.engines import warehouse_url

VARIABLE = "AIRFLOW_CONN_VIGIE_WAREHOUSE"
JSON = (
    # pragma: allowlist nextline secret - it is only parsed
    '{"conn_type": "mssql", "login": "vigie", "password": "a/b@c", "host": "db", '
    '"port": 1433, "schema": "plant"}'
)
# pragma: allowlist nextline secret - it is only parsed
URI = "mssql://vigie:a%2Fb%40c@db:1433/plant"


@pytest.mark.parametrize("told", [JSON, URI], ids=["json", "uri"])
def test_an_mssql_connection_of_airflow_names_the_warehouse(tmp_path, told: str) -> None:
    with environment(VIGIE_STATE=str(tmp_path), VIGIE_WAREHOUSE="", **{VARIABLE: told}):
        # pragma: allowlist nextline secret - the same
        assert warehouse_url() == "mssql+pymssql://vigie:a%2Fb%40c@db:1433/plant"


def test_the_setting_comes_first(tmp_path) -> None:
    mine = "postgresql+psycopg://me@here/vigie"
    with environment(VIGIE_STATE=str(tmp_path), VIGIE_WAREHOUSE=mine, **{VARIABLE: JSON}):
        assert warehouse_url() == mine


@pytest.mark.parametrize("told", ["nonsense", "{}", "http://db/x"])
def test_what_is_no_warehouse_is_named(tmp_path, told: str) -> None:
    with (
        environment(VIGIE_STATE=str(tmp_path), VIGIE_WAREHOUSE="", **{VARIABLE: told}),
        pytest.raises(SettingsError, match=VARIABLE),
    ):
        warehouse_url()
