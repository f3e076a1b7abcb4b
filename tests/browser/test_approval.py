"""A person decides about a new model in Airflow: the real DAG, registry, warehouse and pages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.local_stack import wait_for
from tests.registry.stored import store_readings
from tests.registry.test_training import learnable
from tests.services import environment
from vigie.contract.loader import get_feed
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.local.stack import Stack
from vigie.modelling.registry import CHAMPION, find_aliases
from vigie.modelling.versions import recent_events
from vigie.settings import HOME
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.warehouse, pytest.mark.campaign, pytest.mark.timeout(1800)]
MODEL, PERSON = "nox", "ada"
FEED = get_feed("gas_turbine")
DAG = f"train_{MODEL}"
PATIENCE = 120_000
_COMPONENTS = (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",))


@pytest.fixture
def airflow(
    warehouse: Engine, mlflow: str, postgres: Stack, tmp_path: Path
) -> Iterator[httpx.Client]:
    """Airflow with our DAGs, on the test's warehouse and registry; a client that is logged in."""
    with environment(VIGIE_MLFLOW=mlflow), running(postgres, tmp_path) as address:
        login = {"username": PERSON, "password": PERSON}
        token = httpx.post(f"{address}/auth/token", json=login, timeout=60).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{address}/api/v2", headers=bearer, timeout=60) as client:
            yield client


@contextmanager
def running(stack: Stack, folder: Path) -> Iterator[str]:
    """Airflow's components but the triggerer, which nothing here needs; yields the address."""
    port = choose_ports({}, only_free=True)["airflow"]
    address = f"http://{LOOPBACK}:{port}"
    (folder / "passwords.json").write_text(json.dumps({PERSON: PERSON}))
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(HOME / "dags"),
        "CORE__PLUGINS_FOLDER": str(HOME / "plugins"),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "2",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{PERSON}:op",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": stack.database("airflow", driver="psycopg2"),
        "API__HOST": LOOPBACK,
        "API__PORT": str(port),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        # pragma: allowlist nextline secret - of this server alone
        "API_AUTH__JWT_SECRET": "of tests alone, and long enough for SHA-512 to be content with it",
    }
    env = os.environ | {f"AIRFLOW__{name}": value for name, value in settings.items()}
    env |= {"AIRFLOW_HOME": str(folder)}
    program = str(Path(sys.executable).with_name("airflow"))
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "output.log").open("ab") as log:
        output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        subprocess.run([program, "db", "migrate"], env=env, check=True, timeout=300, **output)
        try:
            for words in _COMPONENTS:
                command = [program, *words]
                # Their children outlive them: each is ended with its whole group.
                processes.append(
                    subprocess.Popen(command, env=env, start_new_session=True, **output)
                )
            wait_for(lambda: answers(address), f"Airflow, see {folder}/output.log")
            yield address
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/v2/version", timeout=5).is_success
    except httpx.HTTPError:
        return False


def ask(airflow: httpx.Client) -> None:
    """Train a challenger that a person decides about; returns once it asks."""
    run = {"logical_date": None, "conf": {"approval": True}}
    airflow.post(f"/dags/{DAG}/dagRuns", json=run).raise_for_status()

    def waits() -> bool:
        found = airflow.get("/dags/~/dagRuns/~/hitlDetails").raise_for_status().json()
        return any(not each["response_received"] for each in found["hitl_details"])

    wait_for(waits, "a model to be decided about", 600)


def answer(page: Page, address: str, choice: str) -> None:
    """Choose as a person does: from the list of required actions."""
    page.goto(f"{address}/required_actions?response_received=false")
    page.get_by_role("link", name=f"A new {MODEL} model?").first.click(timeout=PATIENCE)
    expect(page.get_by_text("Figures and pictures are in MLflow")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=choice, exact=True).click()


def decided() -> list[tuple[str, str]]:
    """What was decided, in order, and by whom."""
    with get_engine().connect() as connection:
        events = recent_events(connection, MODEL, limit=50)
    return [(e.kind, e.person) for e in events if e.kind in ("declined", "promoted")]


def test_a_person_declines_and_promotes_a_model_in_airflow(
    page: Page, airflow: httpx.Client
) -> None:
    address = str(airflow.base_url).removesuffix("/api/v2/")
    pool = {"name": "heavy", "slots": 1, "include_deferred": False}
    airflow.post("/pools", json=pool).raise_for_status()
    wait_for(lambda: airflow.get(f"/dags/{DAG}").is_success, "the DAG to be known")
    airflow.patch(f"/dags/{DAG}", json={"is_paused": False}).raise_for_status()
    # The run that the time makes asks nobody; it finds no history yet.
    wait_for(lambda: ended(airflow), "the first run", 600)
    store_readings(FEED, learnable(30))
    token = airflow.headers["Authorization"].removeprefix("Bearer ")
    page.context.add_cookies([{"name": "_token", "value": token, "url": address}])
    # Without a champion each challenger passes, so that there is one to decide about.
    declined, promoted = ("declined", PERSON), ("promoted", PERSON)
    for choice, wanted in (("Decline", [declined]), ("Promote", [declined, promoted])):
        ask(airflow)
        assert find_aliases(MODEL).get(CHAMPION) is None
        answer(page, address, choice)
        wait_for(lambda wanted=wanted: decided() == wanted, choice, 600)
    assert find_aliases(MODEL).get(CHAMPION) is not None


def ended(airflow: httpx.Client) -> bool:
    runs = airflow.get(f"/dags/{DAG}/dagRuns").raise_for_status().json()["dag_runs"]
    return bool(runs) and all(run["state"] in ("success", "failed") for run in runs)
