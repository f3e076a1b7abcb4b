"""Serves the emulator over TLS: for as long as a block lasts, or as a program of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from vigie.powerbi_emulator.app import create_app
from vigie.powerbi_emulator.certificate import LOOPBACK, ensure_certificate
from vigie.powerbi_emulator.service import Service

TENANT = "emulated"


def connection(service: Service, address: str, certificate: Path) -> dict[str, Any]:
    """What an Airflow connection of type `powerbi` says to reach the emulator instead."""
    extra = {
        "tenant_id": TENANT,
        "group_id": service.group,
        "dataset_id": service.dataset,
        "enhanced": True,
        "base_url": f"https://{address}/v1.0/",
        "authority": f"https://{address}",
        "disable_instance_discovery": True,
        "allowed_hosts": LOOPBACK,
        "verify": str(certificate),
    }
    login = {"login": service.client_id, "password": service.secret}
    return {"conn_type": "powerbi", **login, "extra": extra}


def make_server(service: Service, port: int, folder: Path) -> uvicorn.Server:
    """A server on a port of loopback (0: a free one), its certificate kept in `folder`."""
    certificate, key = ensure_certificate(folder)
    config = uvicorn.Config(
        create_app(service),
        host=LOOPBACK,
        port=port,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextmanager
def serving(service: Service, folder: Path) -> Iterator[str]:
    """Serve in a thread while the block lasts; its host and port.

    Raises:
        RuntimeError: It did not start within ten seconds.
    """
    server = make_server(service, 0, folder)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started:
            if time.monotonic() > until or not thread.is_alive():
                raise RuntimeError("the Power BI emulator did not start")
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
