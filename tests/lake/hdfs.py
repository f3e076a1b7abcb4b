"""A real HDFS for tests: that of `docker-compose.yaml`, started by its own script, on loopback."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.services import end
from vigie.local.jars import fetch_jars
from vigie.local.java import find_java
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.settings import HOME, get_settings

_SECONDS = 180


@contextmanager
def running_hdfs(folder: Path) -> Iterator[str]:
    """Run both servers with their files in `folder`; yields `hdfs://host:port` when it is ready."""
    fetch_jars(("hdfs",))
    folder.mkdir(parents=True, exist_ok=True)
    calls, pages, *blocks = list(choose_ports({}, only_free=True).values())[:5]
    variables = {
        "VIGIE_JARS": str(get_settings().jars.absolute()),
        "HDFS_DATA": str(folder),
        "HDFS_NAMENODE": f"{LOOPBACK}:{calls}",
        "HDFS_LISTEN": LOOPBACK,
        "HDFS_PAGES": str(pages),
        "HDFS_OPTS": "-Xmx192m -XX:TieredStopAtLevel=1",
        "TMPDIR": str(folder),
        "PATH": f"{find_java().parent}{os.pathsep}{os.environ['PATH']}",
    }
    names = ("HDFS_BLOCKS", "HDFS_BLOCK_PAGES", "HDFS_BLOCK_CALLS")
    variables |= {name: str(port) for name, port in zip(names, blocks, strict=True)}
    with ExitStack() as ends:
        for part in ("namenode", "datanode"):
            ends.callback(end, _run(folder, part, variables))
            if part == "namenode":
                _wait(folder, lambda: bool(_bean(pages, "NameNodeInfo")))
        _wait(folder, lambda: _is_ready(pages))
        yield f"hdfs://{variables['HDFS_NAMENODE']}"


def _run(folder: Path, part: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [HOME / "docker" / "hdfs.sh", part]
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | variables)


def _wait(folder: Path, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError, LookupError, ValueError):
            if holds():
                return
        time.sleep(0.3)
    raise RuntimeError((folder / "output.log").read_text()[-3000:])


def _is_ready(pages: int) -> bool:
    live = _bean(pages, "FSNamesystemState")["NumLiveDataNodes"]
    return bool(live == 1 and _bean(pages, "NameNodeInfo")["Safemode"] == "")


def _bean(pages: int, name: str) -> dict[str, Any]:
    jmx = f"http://{LOOPBACK}:{pages}/jmx"
    reply = httpx.get(jmx, params={"qry": f"Hadoop:service=NameNode,name={name}"}, timeout=5)
    return reply.json()["beans"][0]
