"""The emulated service of a folder: another start of it has the same dataset and secret."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from vigie.powerbi_emulator.service import Service

CLIENT = "vigie"


def keep_service(folder: Path) -> Service:
    """The service; its application's secret lies in `folder`, for its owner to read, made once."""
    file = folder / "secret"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(16))
    group, dataset = (str(uuid5(NAMESPACE_URL, f"vigie:{name}")) for name in ("group", "dataset"))
    return Service(client_id=CLIENT, secret=file.read_text(), group=group, dataset=dataset)
