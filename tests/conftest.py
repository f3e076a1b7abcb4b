from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import Engine, make_url

from tests.api_server import ApiServer, api_server
from tests.local_stack import LocalStack, at_stack, running_stack
from tests.services import (
    environment,
    kafka_broker,
    mlflow_server,
    postgres_stack,
    warehouse_urls,
)
from tests.sharing import share_out
from tests.tds import real
from tests.tds.database import TEMPLATE, make_template
from tests.tds.endpoint import Endpoint, tds_endpoint
from tests.tds.refused import REFUSED
from tests.tsql.scriptdom import errors
from vigie.local.jars import fetch_jars
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import get_settings
from vigie.warehouse.engines import Role, get_engine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROLES: tuple[Role, ...] = ("ingest", "owner", "reader")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real measurements, beside the project; without it the test is skipped."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Kafka broker that all tests of the run share."""
    with kafka_broker(tmp_path_factory.mktemp("kafka") / "broker") as address:
        yield address


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One session that reads Kafka and writes Delta, for all tests of the run.

    A second one in the same JVM would lack its jars.
    """
    from vigie.lake.session import open_lake_session

    # Py4J says goodbye after pytest has closed its streams.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    fetch_jars()
    session = open_lake_session("tests")
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def kafka(broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The shared broker, and the settings of the test pointing at it."""
    monkeypatch.setenv("VIGIE_KAFKA", broker)
    get_settings.cache_clear()
    yield broker
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An embedded PostgreSQL that all tests of the run share; its database `vigie` stays empty."""
    with postgres_stack(tmp_path_factory.mktemp("postgres") / "state") as stack:
        yield stack


# First, since xdist then adds the rows to the names by which it shares the tests out.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs SQL Server itself where there is none; share the rest out among workers."""
    for item in items:
        if item.get_closest_marker("engine") and not real.URL:
            reason = "needs SQL Server itself: VIGIE_TEST_MSSQL_URL is not set"
            item.add_marker(pytest.mark.skip(reason=reason))
    if "PYTEST_XDIST_WORKER" in os.environ:
        share_out(items)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked `dialects` once with each of them, if it has a warehouse at all."""
    mark = metafunc.definition.get_closest_marker("dialects")
    if mark is not None and "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", mark.args)


@pytest.fixture(scope="session")
def tds(postgres: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """The TDS endpoint in front of the shared PostgreSQL, which all tests of the run share."""
    make_template(postgres)
    host, port = postgres.address("postgres").split(":")
    file = tmp_path_factory.mktemp("tds") / "batches.jsonl"
    with tds_endpoint(f"host={host} port={port}", file) as endpoint:
        yield endpoint
        if "VIGIE_TEST_WITHOUT_TSQL" not in os.environ:
            # Whether the endpoint could follow or not: whatever was sent must be T-SQL.
            sent = [batch for batch in endpoint.batches() if batch not in REFUSED]
            assert [(batch, found) for batch in sent if (found := errors(batch))] == []


@pytest.fixture
def dialect() -> str:
    """What the test's warehouse speaks; `both_dialects` has a test run with either."""
    return "postgresql"


@pytest.fixture
def warehouse(dialect: str, postgres: Stack, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A warehouse of the test's own, migrated and empty, and the settings pointing at it."""
    if dialect == "mssql" and real.URL:
        yield from _at_sql_server(postgres)
        return
    endpoint: Endpoint | None = request.getfixturevalue("tds") if dialect == "mssql" else None
    name, template = f"test_{uuid4().hex[:12]}", TEMPLATE if endpoint else "vigie"
    with connect(postgres) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER vigie_owner")
    urls = warehouse_urls(postgres, name)
    if endpoint:
        urls = {setting: _over_tds(url, endpoint.port) for setting, url in urls.items()}
    # No document server runs in that state folder, though its settings name one.
    with environment(VIGIE_STATE=str(postgres.state), VIGIE_DOCUMENTS="", **urls):
        yield get_engine()
        for role in ROLES:
            get_engine(role).dispose()
    with connect(postgres) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _at_sql_server(stack: Stack) -> Iterator[Engine]:
    """The real server's one database, emptied."""
    names = ("VIGIE_WAREHOUSE", "VIGIE_WAREHOUSE_OWNER", "VIGIE_WAREHOUSE_READER")
    urls = dict.fromkeys(names, real.empty_warehouse())
    with environment(VIGIE_STATE=str(stack.state), VIGIE_DOCUMENTS="", **urls):
        yield get_engine()
        for role in ROLES:
            get_engine(role).dispose()


def _over_tds(url: str, port: int) -> str:
    spoken = make_url(url).set(drivername="mssql+pymssql", port=port)
    return spoken.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def mlflow(postgres: Stack) -> Iterator[str]:
    """The address of an MLflow server on the shared PostgreSQL, which all tests of a run share."""
    with mlflow_server(postgres) as address:
        yield address


@pytest.fixture(scope="session")
def console(postgres: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Airflow's API server alone, on a warehouse that all tests of the Streams page share."""
    with api_server(tmp_path_factory.mktemp("airflow"), postgres) as server:
        yield server


@pytest.fixture(scope="session")
def fab_console(postgres: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The same with users and roles in a database, as in `docker-compose.yaml`."""
    with api_server(tmp_path_factory.mktemp("airflow-fab"), postgres, "fab") as server:
        yield server


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole stack with the default feeds, as `vigie up` starts it, shared by the run."""
    with running_stack(tmp_path_factory.mktemp("stack") / "state") as stack:
        yield stack


@pytest.fixture
def local_stack(shared_stack: LocalStack) -> Iterator[LocalStack]:
    """The shared stack, and the settings of the test pointing at it."""
    with at_stack(shared_stack.stack.state):
        yield shared_stack
