"""Serves the emulator until it is ended, and says how to point Airflow at it.

`python -m vigie.powerbi_emulator [PORT [FOLDER]]`: a port of loopback, by default 8443, and where
its certificate is kept, by default `powerbi_emulator` in the state folder.
"""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from vigie.powerbi_emulator.certificate import LOOPBACK
from vigie.powerbi_emulator.server import connection, make_server
from vigie.powerbi_emulator.service import Fate, Service
from vigie.settings import get_settings

PORT = 8443
SECONDS = 20.0
"""How long a refresh takes."""


def main() -> None:
    """Serve."""
    given = dict(enumerate(sys.argv[1:]))
    port = int(given.get(0, PORT))
    folder = Path(given.get(1) or get_settings().state / "powerbi_emulator").absolute()
    group, dataset = (str(uuid5(NAMESPACE_URL, f"vigie:{name}")) for name in ("group", "dataset"))
    secret = secrets.token_urlsafe(16)
    service = Service(client_id="vigie", secret=secret, group=group, dataset=dataset)
    service.usual = Fate(seconds=SECONDS)
    server = make_server(service, port, folder)
    made = json.dumps(connection(service, f"{LOOPBACK}:{port}", folder / "certificate.pem"))
    print("It has no data: each refresh completes after 20 seconds. Point Airflow at it by")
    print(f"airflow connections add powerbi --conn-json {shlex.quote(made)}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
