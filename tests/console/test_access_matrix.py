"""Each address of Airflow's and of the Streams page, asked by each role under either manager."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from airflow.api_fastapi.execution_api.versions import bundle
from fastapi.routing import APIRoute

from tests.access import load, require_guarded, verdict
from tests.api_server import ROLES, ApiServer
from tests.console.conftest import FEED
from vigie.orchestration.console.app import make_app
from vigie.orchestration.console.where import PREFIX
from vigie.orchestration.stream_feed import dag_of

pytestmark = [pytest.mark.warehouse, pytest.mark.usefixtures("launched_stream")]

STREAMS, AIRFLOW, OPEN = (load()[name] for name in ("streams", "airflow", "airflow_open"))
VALUES = {"feed": FEED, "name": "streams.js", "action": "stop", "dag_id": dag_of(FEED)}


def clients(server: ApiServer) -> dict[str, httpx.Client]:
    """Whoever asks, as a browser of theirs would: with Airflow's cookie, from the page itself."""
    token = server.token("viewer")
    forged = token[:-6] + token[-6:][::-1]
    cookies = {"nobody": {}, "forged token": {"_token": forged}}
    cookies |= {role: {"_token": server.token(role)} for role in ROLES}
    own = {"Origin": server.address}
    return {
        who: httpx.Client(base_url=server.address, cookies=held, headers=own, timeout=60)
        for who, held in cookies.items()
    }


def ask(client: httpx.Client, asked: str, body: Any) -> str:
    method, path = asked.split()
    path = re.sub(r"\{(\w+)(:path)?\}", lambda name: VALUES.get(name[1], "1"), path)
    content = {} if method == "GET" else {"json": body}
    answer = client.request(method, path, **content)
    if path.startswith(PREFIX):
        require_guarded(answer, framed=True)
    return verdict(answer.status_code)


def test_each_address_of_the_streams_page(server: ApiServer) -> None:
    addresses = []
    for route in make_app().routes:
        assert isinstance(route, APIRoute), f"{route} is no route, so it asks for no login"
        addresses += [f"{method} {PREFIX}{route.path}" for method in sorted(route.methods)]
    known, body = clients(server), {"launch": 1}
    observed = {asked: [ask(known[who], asked, body) for who in STREAMS.who] for asked in addresses}

    assert observed == STREAMS.lines


def test_a_large_body_is_refused_before_it_is_read(server: ApiServer) -> None:
    for client in clients(server).values():
        reply = client.post(f"{PREFIX}/data/{FEED}/stop", content=(b" " * 1024 for _ in range(64)))
        assert reply.status_code == 413, reply.text


def described(server: ApiServer) -> set[str]:
    """Every operation that Airflow's applications describe."""
    found = set()
    newest = bundle.versions[0].value
    for mounted, asked in (("", ""), ("/auth", ""), ("/execution", f"?version={newest}")):
        reply = httpx.get(f"{server.address}{mounted}/openapi.json{asked}", timeout=60)
        for path, operations in reply.raise_for_status().json()["paths"].items():
            found |= {f"{method.upper()} {mounted}{path}" for method in operations}
    return found


def test_airflow_tells_nobody_anything_without_a_login(server: ApiServer) -> None:
    known, operations = clients(server), described(server)
    assert len(operations) > 150
    observed = {asked: [ask(known[who], asked, {}) for who in OPEN.who] for asked in operations}
    let_in = {asked: got for asked, got in observed.items() if "yes" in got}

    assert let_in == {asked: got for asked, got in OPEN.lines.items() if asked in operations}


def test_each_role_may_do_in_airflow_what_the_matrix_says(server: ApiServer) -> None:
    known, operations = clients(server), described(server)
    assert set(AIRFLOW.lines) <= operations
    body = {"dag_id": dag_of(FEED)}
    asked_all = AIRFLOW.lines
    observed = {asked: [ask(known[who], asked, body) for who in AIRFLOW.who] for asked in asked_all}

    assert observed == AIRFLOW.lines


def test_no_role_reads_the_secrets_that_airflow_keeps(server: ApiServer) -> None:
    known = clients(server)
    # pragma: allowlist nextline secret - it is looked for in what Airflow answers
    made = {"connection_id": "kept", "conn_type": "generic", "password": "s3cret-of-kept"}
    assert known["op"].post("/api/v2/connections", json=made).status_code in (201, 409)
    variable = {"key": "smtp_password", "value": "s3cret-of-smtp"}
    assert known["op"].post("/api/v2/variables", json=variable).status_code in (201, 409)

    for role in ROLES:
        for path in ("connections/kept", "connections", "variables/smtp_password", "variables"):
            assert "s3cret-of" not in known[role].get(f"/api/v2/{path}").text, (role, path)
