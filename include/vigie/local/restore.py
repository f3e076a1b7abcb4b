"""Puts a backup into a state folder without a warehouse; `vigie up` then goes on from it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from vigie.errors import StackError
from vigie.local import mlflow, postgres
from vigie.local.backup import ARTEFACTS, CONTRACTS
from vigie.local.control import Control
from vigie.local.lock import hold
from vigie.local.manifest import DATABASES, Manifest, dump, read_manifest
from vigie.local.stack import Stack, prepare_stack, state_folder
from vigie.settings import get_settings
from vigie.supervision.restored import leave_out_launches
from vigie.warehouse.engines import get_engine

_SECONDS = 120


def restore(backup: Path, say: Callable[[str], None]) -> Manifest:
    """Make the warehouse and the registry of the state folder those of a backup.

    What failed half way is removed again.

    Raises:
        StackError: The backup is damaged, the stack runs, or a warehouse or files of the registry
            are there already.
    """
    manifest = read_manifest(backup)
    say(f"the backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC is whole")
    state = state_folder()
    state.mkdir(parents=True, exist_ok=True)
    with hold(state / ".lock"):
        stack = prepare_stack()
        _require_empty(stack)
        try:
            postgres.initialise(stack)
            with serving(stack):
                postgres.ensure_roles(stack)
                for database in DATABASES:
                    postgres.run_tool(
                        stack,
                        *("pg_restore", "--exit-on-error", f"--dbname={database}"),
                        str(dump(backup, database)),
                    )
                    say(f"database {database} restored")
                left_out = leave_out_launches(get_engine("owner"), manifest.made_at)
                get_engine("owner").dispose()
            say(f"launches go on at {left_out}" if left_out else "no stream was ever launched")
            shutil.copytree(backup / ARTEFACTS, mlflow.artefacts(stack), dirs_exist_ok=True)
        except BaseException:
            for made in (postgres.data_folder(stack), mlflow.artefacts(stack)):
                shutil.rmtree(made, ignore_errors=True)
            raise
    for name in differing_contracts(backup):
        say(f"{name} is not as in the backup, and was left as it is")
    return manifest


def differing_contracts(backup: Path) -> list[str]:
    """The contract files of a backup that the folder of contracts has not, or has otherwise."""
    kept, here = backup / CONTRACTS, get_settings().feeds
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    return [
        str(here / name)
        for name in (p.relative_to(kept) for p in files)
        if _differ(kept / name, here / name)
    ]


def _differ(one: Path, other: Path) -> bool:
    return not other.is_file() or one.read_bytes() != other.read_bytes()


def _require_empty(stack: Stack) -> None:
    if Control(stack).alive():
        raise StackError("the stack runs; end it with `vigie down`, then restore again")
    data, artefacts = postgres.data_folder(stack), mlflow.artefacts(stack)
    for what, there, aside in (
        ("a warehouse", data, data.parent),
        ("a registry's folder of files", artefacts, artefacts),
    ):
        if there.is_dir() and any(there.iterdir()):
            message = (
                f"there is {what} in {there}, which nothing is restored over. Move {aside} away, "
                "then restore again; or give another folder in VIGIE_STATE"
            )
            raise StackError(message)


@contextmanager
def serving(stack: Stack) -> Iterator[None]:
    """PostgreSQL alone, while the block lasts."""
    with stack.log("restore").open("wb") as log:
        server = subprocess.Popen(postgres.program(stack).command, stdout=log, stderr=log)
        try:
            until = monotonic() + _SECONDS
            while not postgres.is_up(stack):
                if monotonic() > until or server.poll() is not None:
                    raise StackError(f"PostgreSQL did not start; see {stack.log('restore')}")
                sleep(0.2)
            yield
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(_SECONDS)
