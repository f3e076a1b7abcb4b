from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.seeded_streams import empty, launched
from vigie.contract.loader import load_feeds

FEED = next(iter(load_feeds()))

# Airflow reads these when it is imported, before any fixture runs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(params=["simple", "fab"])
def server(request: pytest.FixtureRequest, console: ApiServer, fab_console: ApiServer) -> ApiServer:
    """The API server with each of the auth managers that Vigie runs under."""
    return console if request.param == "simple" else fab_console


@pytest.fixture
def launched_stream(server: ApiServer) -> Iterator[None]:
    """The stream of `FEED`, launched once, and no other."""
    empty(server.engine)
    launched(server.engine, FEED)
    yield
    empty(server.engine)
