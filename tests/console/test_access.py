"""Who may see and do what on the Streams page, asked of a running API server of Airflow's."""

from __future__ import annotations

import httpx
import pytest

from tests.api_server import ROLES, ApiServer
from tests.console.conftest import FEED
from tests.warehouse.streams import events, look
from vigie.contract.loader import load_feeds
from vigie.orchestration.console.where import PREFIX

pytestmark = [pytest.mark.warehouse, pytest.mark.usefixtures("launched_stream")]
ACTIONS = ("start", "stop", "restart")
EDITORS = [role for role in ROLES if role != "viewer"]


def post(
    client: httpx.Client, action: str, *, feed: str = FEED, launch: int = 1, **headers: str
) -> httpx.Response:
    headers = headers or {"Origin": str(client.base_url).rstrip("/")}
    address = f"{PREFIX}/data/{feed}/{action}"
    return client.post(address, json={"launch": launch}, headers=headers)


def desired(server: ApiServer) -> str | None:
    return look(server.engine, FEED).desired


def test_a_token_that_airflow_did_not_sign_is_refused(server: ApiServer) -> None:
    header, claims, signature = server.token("admin").split(".")
    forged = f"{header}.{claims}.{signature[::-1]}"
    for credentials in ({"Authorization": f"Bearer {forged}"}, {"Cookie": f"_token={forged}"}):
        reply = httpx.get(f"{server.address}{PREFIX}/data", headers=credentials)
        assert reply.status_code in (401, 403)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_every_stream_and_who_may_edit_its_buttons(
    server: ApiServer, role: str
) -> None:
    with server.client(role) as client:
        shown = client.get(f"{PREFIX}/data").json()
    assert shown["person"] == role
    assert [stream["feed"] for stream in shown["streams"]] == list(load_feeds())
    may_act = role in EDITORS
    assert {stream["may_act"] for stream in shown["streams"]} == {may_act}
    assert any(stream["actions"] for stream in shown["streams"]) == may_act


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_cannot_act(server: ApiServer, action: str) -> None:
    before = events(server.engine, FEED)
    with server.client("viewer") as client:
        assert post(client, action).status_code == 403
    assert events(server.engine, FEED) == before


@pytest.mark.parametrize("role", EDITORS)
def test_who_may_edit_the_dag_may_act_and_is_kept(server: ApiServer, role: str) -> None:
    before = len(events(server.engine, FEED))
    with server.client(role) as client:
        for action, wanted in (("stop", "stopped"), ("start", "running"), ("restart", "running")):
            reply = post(client, action)
            assert reply.status_code == 200, reply.text
            assert reply.json()["changed"]
            assert desired(server) == wanted
        assert post(client, "start").json()["changed"] is False
        shown = client.get(f"{PREFIX}/data/{FEED}").json()
    done = [("stop", role), ("start", role), ("restart", role)]
    assert events(server.engine, FEED)[before:] == done
    assert [(e["kind"], e["person"]) for e in reversed(shown["events"])][-3:] == done


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Referer": "http://elsewhere.example"},
    ],
    ids=str,
)
def test_another_site_cannot_act_with_the_users_cookie(
    server: ApiServer, headers: dict[str, str]
) -> None:
    with server.client("admin") as client:
        assert post(client, "stop", **headers).status_code == 403
        # Nor can a form, which sends no JSON and asks nobody before.
        own = {"Origin": server.address, "Content-Type": "text/plain"}
        form = client.post(f"{PREFIX}/data/{FEED}/stop", content='{"launch": 1}', headers=own)
        assert form.status_code == 422
    assert desired(server) == "running"


def test_a_program_acts_with_a_token_of_its_own(server: ApiServer) -> None:
    bearer = {"Authorization": f"Bearer {server.token('op')}"}
    with httpx.Client(base_url=server.address, timeout=60) as client:
        assert post(client, "stop", **bearer).status_code == 200
    assert desired(server) == "stopped"


def test_what_does_not_fit_is_refused_with_what_to_do(server: ApiServer) -> None:
    with server.client("admin") as client:
        over = post(client, "restart", launch=7)
        assert over.status_code == 409
        assert "the newest is 1" in over.json()["detail"]
        unknown = post(client, "stop", feed="no_such_feed")
        assert unknown.status_code == 404
        assert "known feeds" in unknown.json()["detail"]
        assert post(client, "destroy").status_code == 422
        for name in ("app.py", "..%2Fapp.py", "%2e%2e%2fapp.py"):
            assert client.get(f"{PREFIX}/page/{name}").status_code == 404


def test_a_person_without_a_login_is_told_where_to_log_in(server: ApiServer) -> None:
    reply = httpx.get(f"{server.address}{PREFIX}/streams", headers={"Accept": "text/html"})
    assert reply.status_code == 401
    assert 'href="../auth/login"' in reply.text


def test_airflow_lists_the_page_and_no_fault_of_the_plugin(server: ApiServer) -> None:
    with server.client("viewer") as client:
        plugins = client.get("/api/v2/plugins").json()["plugins"]
        assert [p["external_views"][0]["name"] for p in plugins if p["name"] == "vigie"] == [
            "Streams"
        ]
        assert client.get("/api/v2/plugins/importErrors").json()["import_errors"] == []
