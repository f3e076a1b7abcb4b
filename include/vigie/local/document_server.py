"""Runs `mongo-java-server` on a port and a file: `python -m vigie.local.document_server PORT FILE`.

The jars have no program that takes a port, and Java alone cannot compile one: py4j, which pyspark
brings, makes the three calls. The Java process ends with this one, however it ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from vigie.local.jars import pyspark_folder
from vigie.local.java import find_java
from vigie.local.ports import LOOPBACK
from vigie.settings import get_settings

_OPTIONS = ["-Xmx256m", "-XX:+UseSerialGC"]
_CACHE_MB, _COMMIT_KB = 32, 16_384
_LOOK_SECONDS = 2
_ENDS = (signal.SIGTERM, signal.SIGINT)


def serve(port: int, file: Path) -> None:
    """Serve until asked to end, then close the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    gateway, java = _launch_java()
    # After Java's start, which would inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    if file.exists():
        gateway.jvm.org.h2.mvstore.MVStoreTool.compact(str(file), True)
    builder = gateway.jvm.org.h2.mvstore.MVStore.Builder().fileName(str(file)).compress()
    # Compacting beside long writes lost a chunk of the file in a trial, so it is done at the start.
    builder = builder.cacheSize(_CACHE_MB).autoCommitBufferSize(_COMMIT_KB).autoCompactFillRate(0)
    store = builder.open()
    mongo = gateway.jvm.de.bwaldvogel.mongo
    backend = mongo.backend.h2.H2Backend(store)
    # The newest it can claim to be; by itself it claims a version that pymongo no longer speaks to.
    backend.version(mongo.ServerVersion.MONGO_5_0)
    server = mongo.MongoServer(backend)
    server.bind(LOOPBACK, port)
    print(f"mongo-java-server listens on {LOOPBACK}:{port}, file {file}", flush=True)
    while signal.sigtimedwait(_ENDS, _LOOK_SECONDS) is None:
        if java.poll() is not None:
            sys.exit("Java ended by itself")
    server.shutdownNow()
    gateway.shutdown()


def _launch_java() -> tuple[JavaGateway, subprocess.Popen[bytes]]:
    jars = get_settings().jars.absolute() / "documents"
    (py4j,) = (pyspark_folder() / "jars").glob("py4j-*.jar")
    port, token, java = launch_gateway(
        jarpath=str(py4j),
        classpath=f"{jars}/*",
        javaopts=_OPTIONS,
        java_path=str(find_java()),
        die_on_exit=True,
        enable_auth=True,
        return_proc=True,
        redirect_stdout=sys.stdout,
        redirect_stderr=sys.stderr,
    )
    return JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token)), java


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
