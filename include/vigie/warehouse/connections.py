"""Airflow's connections as URLs of the warehouse, where the environment holds them.

`AIRFLOW_CONN_VIGIE_WAREHOUSE` is the connection `vigie_warehouse` to Airflow, and to whoever it
starts: as a URI, or as JSON.
"""

from __future__ import annotations

import json
import os

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from vigie.errors import SettingsError

PREFIX = "AIRFLOW_CONN_VIGIE_"
_DRIVERS = {
    "mssql": "mssql+pymssql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


def connection_url(name: str) -> str:
    """The URL of the connection `vigie_<name>`; empty if the environment has none.

    Raises:
        SettingsError: It is neither a URI nor JSON, or of a type that is no warehouse.
    """
    variable = f"{PREFIX}{name.upper()}"
    told = os.environ.get(variable, "")
    if not told:
        return ""
    try:
        url = _from_json(told) if told.lstrip().startswith("{") else make_url(told)
    except (ArgumentError, ValueError, KeyError) as error:
        message = f"{variable}: expected a connection of Airflow, as a URI or as JSON: {error}"
        raise SettingsError(message) from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        message = f"{variable}: type {url.drivername!r}, expected one of {', '.join(_DRIVERS)}"
        raise SettingsError(message)
    return url.set(drivername=driver).render_as_string(hide_password=False)


def _from_json(told: str) -> URL:
    parts = json.loads(told)
    return URL.create(
        parts["conn_type"],
        username=parts.get("login"),
        password=parts.get("password"),
        host=parts.get("host"),
        port=parts.get("port"),
        database=parts.get("schema"),
    )
