"""Airflow's API server alone, with our plugin, users of every role and a warehouse of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from sqlalchemy import Engine, create_engine

from tests.local_stack import wait_for
from tests.services import end
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import HOME

ROLES = ("viewer", "user", "op", "admin")
"""Roles of Airflow's auth managers; the user of each has its name, and that as password."""

Manager = Literal["simple", "fab"]
"""Who keeps the users: a file, as on one machine, or a database, as in `docker-compose.yaml`."""


@dataclass(frozen=True)
class ApiServer:
    """A running API server; `engine` is the warehouse that its pages show, in `stack`."""

    address: str
    engine: Engine
    stack: Stack

    def token(self, role: str) -> str:
        """What Airflow gives whoever logs in."""
        login = {"username": role, "password": role}
        reply = httpx.post(f"{self.address}/auth/token", json=login, timeout=60)
        return str(reply.raise_for_status().json()["access_token"])

    def client(self, role: str) -> httpx.Client:
        """A client with the cookie of whoever logged in."""
        return httpx.Client(base_url=self.address, cookies={"_token": self.token(role)}, timeout=60)

    @contextmanager
    def warehouse_away(self) -> Iterator[None]:
        """Let nobody into the warehouse for as long as the block lasts."""
        database = self.engine.url.database
        allow = f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS"
        self.engine.dispose()
        with connect(self.stack) as connection:
            connection.execute(f"{allow} false")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
            try:
                yield
            finally:
                connection.execute(f"{allow} true")


@contextmanager
def api_server(folder: Path, stack: Stack, manager: Manager = "simple") -> Iterator[ApiServer]:
    """Run it in `folder`, with a warehouse in the PostgreSQL of `stack`."""
    database = f"console_{manager}"
    with connect(stack) as connection:
        connection.execute(f"CREATE DATABASE {database} TEMPLATE vigie OWNER vigie_owner")
    url = stack.database("vigie_stream").removesuffix("vigie") + database
    port = choose_ports({}, only_free=True)["airflow"]
    address = f"http://{LOOPBACK}:{port}"
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(folder / "dags"),
        "CORE__PLUGINS_FOLDER": str(HOME / "plugins"),
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "API__HOST": LOOPBACK,
        "API__PORT": str(port),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        # pragma: allowlist nextline secret - of this server alone
        "API_AUTH__JWT_SECRET": "of tests alone, and long enough for SHA-512 to be content with it",
    } | (_users_in_a_file(folder) if manager == "simple" else _USERS_IN_A_DATABASE)
    env = os.environ | {f"AIRFLOW__{name}": value for name, value in settings.items()}
    env |= {"AIRFLOW_HOME": str(folder), "VIGIE_STATE": str(folder), "VIGIE_WAREHOUSE": url}
    airflow = str(Path(sys.executable).with_name("airflow"))
    with (folder / "output.log").open("ab") as log:
        output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        commands = _FIRST if manager == "simple" else _FIRST_WITH_A_DATABASE
        run = [sys.executable, "-c", _RUN, json.dumps(commands)]
        subprocess.run(run, env=env, check=True, timeout=300, **output)
        process = subprocess.Popen([airflow, "api-server"], env=env, **output)
        engine = create_engine(url)
        try:
            wait_for(lambda: _answers(address), f"Airflow's API server, {folder}/output.log", 180)
            server = ApiServer(address, engine, stack)
            if manager == "fab":
                _make_users(server)
            yield server
        finally:
            engine.dispose()
            end(process)


def _users_in_a_file(folder: Path) -> dict[str, str]:
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({role: role for role in ROLES}))
    return {
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{role}:{role}" for role in ROLES),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }


_USERS_IN_A_DATABASE = {
    "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
}
_FIRST = ("db migrate",)
# As whoever sets Airflow up makes the first user; the others are made as an administrator does.
# Without the right to plugins the menu of a viewer or a user lacks the Streams page.
_FIRST_WITH_A_DATABASE = (
    *_FIRST,
    "users create --username admin --password admin --role Admin"
    " --firstname Ada --lastname Admin --email admin@vigie.example",
    "roles add-perms Viewer User --action can_read --resource Plugins",
)
# The `airflow` command takes five seconds to load: one process runs all.
_RUN = """
import json, sys
from airflow.__main__ import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["airflow", *command.split()]
    main()
"""


def _make_users(server: ApiServer) -> None:
    with server.client("admin") as client:
        for role in ROLES:
            if role != "admin":
                user = {
                    "username": role,
                    "password": role,
                    "email": f"{role}@vigie.example",
                    "first_name": role,
                    "last_name": role,
                    "roles": [{"name": role.capitalize()}],
                }
                client.post("/auth/fab/v1/users", json=user).raise_for_status()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/v2/version", timeout=5).is_success
    except httpx.HTTPError:
        return False
