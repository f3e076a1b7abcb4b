"""Which code a driver submitted now would run."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import vigie
from vigie.settings import get_settings

# The layers above the stream: no driver imports them, so a change there needs no restart.
_NOT_IN_A_DRIVER = frozenset(
    (
        "cli",
        "collection",
        "compaction",
        "dashboards",
        "docs",
        "forecasting",
        "generated.py",
        "http_guard.py",
        "ingest",
        "lake",
        "local",
        "metrics",
        "monitoring",
        "orchestration",
        "powerbi",
        "powerbi_emulator",
        "reconciliation",
        "refresh",
        "replay",
        "restatement",
        "simulator",
        "supervision",
    )
)


def code_version() -> str:
    """A fingerprint of the sources a driver runs: the package below supervision, and `spark_apps`.

    Read from disk each time (some milliseconds): a process that lives long, as the triggerer does,
    submits what lies on disk now, not what it imported.
    """
    digest = sha256()
    for root, path in _sources():
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources() -> Iterator[tuple[Path, Path]]:
    package = Path(vigie.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in _NOT_IN_A_DRIVER:
            yield package, path
    apps = get_settings().spark_apps
    for path in sorted(apps.glob("*.py")):
        yield apps, path
