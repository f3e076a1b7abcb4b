"""What a stranger reaches of a running stack, and what they may change there."""

from __future__ import annotations

import re
import time

import httpx
import jwt
import psutil
import pytest
from starlette.routing import Route

from tests.access import Lines, load, require_guarded, verdict
from tests.local_stack import LocalStack
from vigie.contract.loader import load_feeds
from vigie.local.ports import is_free
from vigie.local.processes import stack_processes
from vigie.metrics.app import create_app as exporter_app
from vigie.powerbi_emulator.app import create_app as powerbi_app
from vigie.powerbi_emulator.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PART = load()["open_parts"]
LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
WRONG = {"Authorization": f"Bearer {jwt.encode({}, 'x' * 33)}"}


def test_every_process_listens_on_loopback_alone(local_stack: LocalStack) -> None:
    heard, outside = set(), []
    for process in stack_processes(local_stack.stack):
        try:
            connections, name = process.net_connections("tcp"), " ".join(process.cmdline()[:4])
        except psutil.NoSuchProcess:
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                heard.add(connection.laddr.port)
                outside += [] if connection.laddr.ip in LOOPBACK else [(name, connection.laddr)]

    assert {local_stack.stack.ports[part] for part in ("kafka", "postgres", "ingest")} <= heard
    assert outside == []


def test_each_part_answers_a_stranger_as_the_matrix_says(local_stack: LocalStack) -> None:
    assert described() <= set(PART.lines)
    observed: Lines = {}
    for asked in PART.lines:
        part, method, path = asked.split()
        if is_free(local_stack.stack.ports[part]):
            assert part == "prometheus", f"{part} does not run"
            continue
        scheme = "https" if part == "powerbi" else "http"
        url = f"{scheme}://{local_stack.stack.address(part)}{re.sub(r'{.+?}', '1', path)}"
        observed[asked] = []
        for headers in ({}, WRONG):
            reply = httpx.request(method, url, headers=headers, verify=False, timeout=60)
            if part in ("exporter", "pages"):
                require_guarded(reply)
                assert "server" not in reply.headers
            known = verdict(reply.status_code)
            observed[asked].append("no" if known == "yes" and reply.is_error else known)

    assert observed == {asked: got for asked, got in PART.lines.items() if asked in observed}


def described() -> set[str]:
    """Everything that our own applications among them answer."""
    nothing = Service(client_id="", secret="", group="", dataset="")
    applications = {"exporter": exporter_app(), "powerbi": powerbi_app(nothing)}
    return {
        f"{part} {method} {route.path}"
        for part, app in applications.items()
        for route in app.routes
        if isinstance(route, Route) and "openapi" not in route.path and "docs" not in route.path
        for method in route.methods - {"HEAD"}
    }


def options(driver: str) -> dict[str, str]:
    """The options that a driver runs with, as its page tells them."""
    (running,) = httpx.get(f"{driver}/api/v1/applications", timeout=60).json()
    found = httpx.get(f"{driver}/api/v1/applications/{running['id']}/environment", timeout=60)
    return dict(found.json()["sparkProperties"])


def test_nobody_kills_a_driver_on_a_page_of_sparks(local_stack: LocalStack) -> None:
    stack = local_stack.stack
    before = local_stack.launches()
    master = f"http://{stack.address('spark_master_ui')}"
    drivers = httpx.get(f"{master}/json/", timeout=60).json()["activedrivers"]
    assert drivers
    for driver in drivers:
        form = {"id": driver["id"], "terminate": "true"}
        httpx.post(f"{master}/driver/kill/", data=form, timeout=60)
    first = stack.ports["spark_drivers"]
    for port in range(first, first + len(load_feeds())):
        if not is_free(port):
            assert options(f"http://127.0.0.1:{port}")["spark.ui.killEnabled"] == "false"
    # What was asked of the master would be done at once, and told by it within seconds.
    time.sleep(5)

    after = httpx.get(f"{master}/json/", timeout=60).json()["activedrivers"]
    assert {driver["id"] for driver in after} >= {driver["id"] for driver in drivers}
    assert local_stack.launches() == before
