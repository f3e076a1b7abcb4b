"""Serves the emulator until it is ended, and says how to point Airflow at it.

`python -m vigie.powerbi_emulator [PORT [FOLDER]]`: a port of loopback, by default 8443, and where
its certificate and secret are kept, by default `powerbi_emulator` in the state folder.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from vigie.powerbi_emulator.certificate import LOOPBACK
from vigie.powerbi_emulator.kept import keep_service
from vigie.powerbi_emulator.server import connection, make_server
from vigie.powerbi_emulator.service import Fate
from vigie.settings import get_settings

PORT = 8443
SECONDS = 20.0
"""How long a refresh takes."""


def main() -> None:
    """Serve."""
    given = dict(enumerate(sys.argv[1:]))
    port = int(given.get(0, PORT))
    folder = Path(given.get(1) or get_settings().state / "powerbi_emulator").absolute()
    service = keep_service(folder)
    service.usual = Fate(seconds=SECONDS)
    server = make_server(service, port, folder)
    print(f"It has no data: each refresh completes after {SECONDS:.0f} seconds.")
    # In a log the secret has no business.
    if sys.stdout.isatty():
        made = json.dumps(connection(service, f"{LOOPBACK}:{port}", folder / "certificate.pem"))
        print("Point Airflow at it by")
        print(f"airflow connections add powerbi --conn-json {shlex.quote(made)}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
