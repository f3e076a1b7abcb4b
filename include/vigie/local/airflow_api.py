"""The few things the stack asks of Airflow's REST interface."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from vigie.errors import StackError
from vigie.local.airflow import ADMIN
from vigie.local.stack import Stack

_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def health(stack: Stack) -> Mapping[str, bool] | None:
    """Whether each component works; None while the API server does not answer."""
    try:
        reply = httpx.get(f"{_address(stack)}/api/v2/monitor/health", timeout=2)
        found: Mapping[str, Any] = reply.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None
    return {name: (found.get(name) or {}).get("status") == "healthy" for name in _COMPONENTS}


def log_in(stack: Stack) -> httpx.Client:
    """A client that acts as the administrator.

    Raises:
        StackError: Airflow does not accept the administrator's password.
    """
    login = {"username": ADMIN, "password": stack.secrets["airflow_admin"]}
    reply = httpx.post(f"{_address(stack)}/auth/token", json=login, timeout=30)
    if reply.status_code != httpx.codes.CREATED:
        message = f"Airflow: log-in as {ADMIN} gave {reply.status_code}: {reply.text[:200]}"
        raise StackError(message)
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    return httpx.Client(base_url=f"{_address(stack)}/api/v2", headers=headers, timeout=30)


def ensure_pool(client: httpx.Client, name: str, slots: int) -> None:
    """Make a pool if there is none of this name; its slots are the operator's afterwards."""
    pool = {"name": name, "slots": slots, "include_deferred": False}
    reply = client.post("/pools", json=pool)
    if reply.status_code not in (httpx.codes.CREATED, httpx.codes.CONFLICT):
        message = f"Airflow: making pool {name} gave {reply.status_code}: {reply.text[:200]}"
        raise StackError(message)


def ensure_connection(client: httpx.Client, name: str, fields: Mapping[str, Any]) -> None:
    """Make a connection, given as in JSON, if there is none of this name.

    Raises:
        StackError: Airflow refuses it.
    """
    if client.get(f"/connections/{name}").is_success:
        return
    body = {"connection_id": name, **fields, "extra": json.dumps(fields["extra"])}
    reply = client.post("/connections", json=body)
    if reply.is_error:
        message = f"Airflow: making connection {name} gave {reply.status_code}: {reply.text[:200]}"
        raise StackError(message)


def unpause(client: httpx.Client, dag: str) -> bool:
    """Unpause a DAG; False while Airflow does not know it yet."""
    reply = client.patch(f"/dags/{dag}", json={"is_paused": False})
    if reply.status_code == httpx.codes.NOT_FOUND:
        return False
    if reply.is_error:
        message = f"Airflow: unpausing {dag} gave {reply.status_code}: {reply.text[:200]}"
        raise StackError(message)
    return True


def is_paused(client: httpx.Client, dag: str) -> bool:
    """Whether a DAG is paused; False where Airflow does not know it."""
    reply = client.get(f"/dags/{dag}")
    return reply.is_success and bool(reply.json()["is_paused"])


def import_errors(client: httpx.Client) -> list[str]:
    """What Airflow could not read in the DAGs folder: file and last line of the error."""
    found = client.get("/importErrors").raise_for_status().json()["import_errors"]
    return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in found]


def _address(stack: Stack) -> str:
    return f"http://{stack.address('airflow')}"
