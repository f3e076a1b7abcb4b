"""A real HDFS for tests: one NameNode and one DataNode on loopback, on free ports."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from vigie.local.jars import fetch_jars
from vigie.local.java import find_java
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.settings import get_settings

_SERVER = "org.apache.hadoop.hdfs.server"
_SECONDS = 180


@contextmanager
def running_hdfs(folder: Path) -> Iterator[str]:
    """Run both servers with their files in `folder`; yields `hdfs://host:port` when it is ready."""
    fetch_jars(("hdfs",))
    free = list(choose_ports({}, only_free=True).values())
    for part in ("webapps/hdfs", "webapps/datanode"):
        (folder / "classes" / part).mkdir(parents=True)
    address = f"hdfs://{LOOPBACK}:{free[0]}"
    _configure(folder, address, free)
    _run(folder, f"{_SERVER}.namenode.NameNode", "-format", "-nonInteractive").wait(_SECONDS)
    with ExitStack() as ends:
        for main in ("namenode.NameNode", "datanode.DataNode"):
            ends.callback(_end, _run(folder, f"{_SERVER}.{main}"))
        _wait(f"http://{LOOPBACK}:{free[1]}/jmx", folder)
        yield address


def _configure(folder: Path, address: str, free: list[int]) -> None:
    names = ("dfs.namenode.http-address", "dfs.datanode.address")
    names += ("dfs.datanode.http.address", "dfs.datanode.ipc.address")
    site = {
        "dfs.replication": "1",
        "dfs.namenode.name.dir": (folder / "name").as_uri(),
        "dfs.datanode.data.dir": (folder / "data").as_uri(),
        "dfs.namenode.safemode.extension": "0",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.permissions.enabled": "false",
        "dfs.datanode.hostname": LOOPBACK,
        **{name: f"{LOOPBACK}:{port}" for name, port in zip(names, free[1:], strict=False)},
    }
    _write(folder / "classes" / "hdfs-site.xml", site)
    _write(folder / "classes" / "core-site.xml", {"fs.defaultFS": address})


def _write(file: Path, settings: dict[str, str]) -> None:
    rows = (f"<property><name>{k}</name><value>{v}</value></property>" for k, v in settings.items())
    file.write_text(f"<configuration>{''.join(rows)}</configuration>")


def _run(folder: Path, *main: str) -> subprocess.Popen[bytes]:
    jars = get_settings().jars.absolute() / "hdfs" / "*"
    command = [str(find_java()), "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += ["--add-opens=java.base/java.lang=ALL-UNNAMED"]
    command += ["-cp", f"{folder / 'classes'}:{jars}", *main]
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait(jmx: str, folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            state = _bean(jmx, "FSNamesystemState")["NumLiveDataNodes"]
            if state == 1 and _bean(jmx, "NameNodeInfo")["Safemode"] == "":
                return
        except (httpx.HTTPError, LookupError, ValueError):
            pass
        time.sleep(0.3)
    raise RuntimeError((folder / "output.log").read_text()[-3000:])


def _bean(jmx: str, name: str) -> dict:
    reply = httpx.get(jmx, params={"qry": f"Hadoop:service=NameNode,name={name}"}, timeout=5)
    return reply.json()["beans"][0]
