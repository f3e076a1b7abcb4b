"""Copies what cannot be computed anew into a folder, while everything runs on.

The warehouse with its ledger, the registry of models with its files, the contracts. No checkpoint
is among it: a stream goes on where the restored ledger ends. Kafka and the lake have copies of
their own (replication, HDFS), and Airflow's tables are made anew.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from vigie.errors import StackError
from vigie.local import mlflow, postgres
from vigie.local.manifest import DATABASES, Manifest, dump, hashes
from vigie.local.stack import Stack
from vigie.settings import get_settings
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

CONTRACTS, ARTEFACTS = "feeds", "artefacts"


def back_up(stack: Stack, parent: Path) -> tuple[Path, Manifest]:
    """Make a backup in a new folder of `parent`, named by the moment (UTC).

    Returns:
        The folder, there only once it is whole, and what is in it.

    Raises:
        StackError: The database does not answer, or a dump failed.
    """
    if not postgres.is_up(stack):
        message = f"no warehouse answers at {stack.address('postgres')}; start it with `vigie up`"
        raise StackError(message)
    made_at = datetime.now(UTC).replace(microsecond=0)
    folder = parent.absolute() / f"{made_at:%Y-%m-%dT%H%M%SZ}"
    partial = folder.with_name(f".{folder.name}.partial")
    # It holds whatever the sensors sent, and hashes of keys.
    partial.mkdir(parents=True, mode=0o700)
    try:
        ledger = _ledger_ends()
        for database in DATABASES:
            postgres.run_tool(
                stack, "pg_dump", "--format=custom", f"--file={dump(partial, database)}", database
            )
        # After the registry's tables: every version these know has its files here, or was removed.
        artefacts = mlflow.artefacts(stack)
        artefacts.mkdir(exist_ok=True)
        shutil.copytree(artefacts, partial / ARTEFACTS, copy_function=_copy_if_there)
        shutil.copytree(get_settings().feeds, partial / CONTRACTS)
        manifest = Manifest(made_at, ledger, hashes(partial))
        manifest.write(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder, manifest


def _ledger_ends() -> dict[str, dict[str, int]]:
    t = core.ledger.c
    key = (t.feed, t.topic_id, t.kafka_partition)
    found: dict[str, dict[str, int]] = {}
    with get_engine("owner").connect() as connection:
        rows = connection.execute(
            select(*key, func.max(t.end_offset)).group_by(*key).order_by(*key)
        )
        for feed, topic_id, partition, end in rows:
            found.setdefault(feed, {})[f"{topic_id}/{partition}"] = end
    return found


def _copy_if_there(source: str, target: str) -> None:
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)
