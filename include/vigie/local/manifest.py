"""What a backup's folder holds: its files with their hashes, and how far the ledger was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vigie.errors import StackError

FILE = "manifest.json"
DATABASES = ("vigie", "mlflow")
"""The warehouse, and the registry's metadata. Airflow's own is made anew by a start."""


@dataclass(frozen=True)
class Manifest:
    """A backup, as its `manifest.json` tells."""

    made_at: datetime
    """Before the warehouse was read: whatever happened later may not be in it."""
    ledger: dict[str, dict[str, int]]
    """Messages read, by feed, topic id and partition (`topic/partition`): one end for each."""
    files: dict[str, str]
    """SHA-256 of each file, by its path in the folder."""

    def write(self, folder: Path) -> None:
        """Write the file that makes the folder a backup."""
        text = json.dumps(asdict(self), indent=2, default=datetime.isoformat)
        (folder / FILE).write_text(text + "\n")


def dump(folder: Path, database: str) -> Path:
    """Where a database lies in a backup, in PostgreSQL's custom format."""
    return folder / f"{database}.dump"


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder but the manifest, by relative path."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: _digest(path)
        for name, path in sorted(found.items())
        if path.is_file() and name != FILE
    }


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there and as they were written.

    Raises:
        StackError: It is no backup, or a file is missing or was changed; each is named.
    """
    try:
        told: dict[str, Any] = json.loads((folder / FILE).read_text())
        manifest = Manifest(
            datetime.fromisoformat(told["made_at"]), told["ledger"], dict(told["files"])
        )
    except (OSError, ValueError, KeyError) as error:
        message = f"{folder} is no whole backup: {FILE}: {error}. Give the folder one was made in"
        raise StackError(message) from error
    found = hashes(folder)
    wrong = [name for name, digest in manifest.files.items() if found.get(name) != digest]
    if wrong:
        message = (
            f"the backup {folder} is damaged: {', '.join(wrong)} missing or not as written. "
            "Nothing was restored; take another backup"
        )
        raise StackError(message)
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
