from __future__ import annotations

import os
import tempfile

import pytest

from tests.api_server import ApiServer

# Airflow reads these when it is imported, before any fixture runs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(params=["simple", "fab"])
def server(request: pytest.FixtureRequest, console: ApiServer, fab_console: ApiServer) -> ApiServer:
    """The API server with each of the auth managers that Vigie runs under."""
    return console if request.param == "simple" else fab_console
