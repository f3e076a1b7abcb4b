from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.services import end
from vigie.ingest.keys import create_key
from vigie.local.ports import choose_ports
from vigie.warehouse.engines import get_engine


@dataclass
class Api:
    """A running API and a client with a key to every feed."""

    address: str
    key: str
    process: subprocess.Popen[bytes]
    output: Path

    def post(
        self, feed: str, body: bytes | str | Iterable[bytes], **headers: str
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = f"{self.address}/v1/readings/{feed}"
        return httpx.post(url, content=body, headers=headers, timeout=60)


@contextmanager
def running_api(output: Path, **settings: str) -> Iterator[Api]:
    """Run the API as the local stack does, against the services of the settings."""
    port = choose_ports({}, only_free=True)["ingest"]
    command = [sys.executable, "-m", "uvicorn", "vigie.ingest.app:create_app", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-server-header"]
    key = create_key(get_engine("owner"), f"test-{port}", (), person="test")
    with output.open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | settings)
    api = Api(f"http://127.0.0.1:{port}", key, process, output)
    try:
        wait_until_answering(api)
        yield api
    finally:
        end(process)


def wait_until_answering(api: Api, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and api.process.poll() is None:
        try:
            httpx.get(f"{api.address}/health", timeout=5)
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"no API at {api.address}:\n{api.output.read_text()[-3000:]}")


@pytest.fixture
def api(kafka: str, warehouse: object, tmp_path: Path) -> Iterator[Api]:
    with running_api(tmp_path / "api.log") as running:
        yield running
