"""The broker of `docker-compose.yaml`, started by its own script: logins, and rights."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import end, environment
from vigie.broker.admin import is_answering
from vigie.local.jars import fetch_jars
from vigie.local.java import find_java
from vigie.local.ports import LOOPBACK, choose_ports
from vigie.powerbi_emulator.certificate import ensure_certificate
from vigie.settings import HOME, get_settings


@dataclass(frozen=True)
class Secured:
    """Where it is, with and without TLS, and the folder of its users' passwords."""

    address: str
    with_tls: str
    passwords: Path
    ca: Path

    def password(self, user: str) -> str:
        return (self.passwords / f"kafka_{user}").read_text().strip()

    def login(self, user: str, password: str = "") -> dict[str, str]:
        """The settings of a part that is this user."""
        return {
            "VIGIE_KAFKA": self.address,
            "VIGIE_KAFKA_PROTOCOL": "SASL_PLAINTEXT",
            "VIGIE_KAFKA_MECHANISM": "SCRAM-SHA-512",
            "VIGIE_KAFKA_USER": user,
            "VIGIE_KAFKA_PASSWORD": password or self.password(user),
        }

    def login_with_tls(self, user: str) -> dict[str, str]:
        """The same at the port that speaks TLS."""
        return self.login(user) | {
            "VIGIE_KAFKA": self.with_tls,
            "VIGIE_KAFKA_PROTOCOL": "SASL_SSL",
            "VIGIE_KAFKA_CA": str(self.ca),
        }


@contextmanager
def secured_broker(folder: Path) -> Iterator[Secured]:
    """Run it with new secrets in `folder`; yields once its administrator is let in."""
    fetch_jars(("kafka",))
    secrets, log = folder / "secrets", folder / "kafka.log"
    folder.mkdir(parents=True)
    subprocess.run([HOME / "docker" / "make_secrets.sh", secrets], check=True, capture_output=True)
    inside, outside, controller = [*choose_ports({}, only_free=True).values()][:3]
    variables = {
        "KAFKA_LIBS": str(get_settings().jars.absolute() / "kafka"),
        "KAFKA_DATA": str(folder / "data"),
        "KAFKA_SECRETS": str(secrets),
        "KAFKA_INSIDE": f"{LOOPBACK}:{inside}",
        "KAFKA_OUTSIDE": f"{LOOPBACK}:{outside}",
        "KAFKA_ADVERTISED": f"INSIDE://{LOOPBACK}:{inside},OUTSIDE://{LOOPBACK}:{outside}",
        "KAFKA_CONTROLLER": f"{LOOPBACK}:{controller}",
        "KAFKA_HEAP_OPTS": "-Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "TMPDIR": str(folder),
        "PATH": f"{find_java().parent}{os.pathsep}{os.environ['PATH']}",
    }
    # A password that files and command lines would trip over.
    (secrets / "kafka_stream").write_text('quo"te \\ ${user.home} = ; word\n')
    certificate, key = ensure_certificate(folder)
    (secrets / "kafka_certificate").write_bytes(key.read_bytes() + certificate.read_bytes())
    found = Secured(f"{LOOPBACK}:{inside}", f"{LOOPBACK}:{outside}", secrets, certificate)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [HOME / "docker" / "kafka.sh"], stdout=output, stderr=output, env=os.environ | variables
        )
        try:
            _wait_until_let_in(found, server, log)
            yield found
        finally:
            end(server)


def _wait_until_let_in(secured: Secured, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    with environment(**secured.login("admin")):
        while not is_answering():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no broker; {log} ends:\n{log.read_text()[-3000:]}")
            time.sleep(0.3)
