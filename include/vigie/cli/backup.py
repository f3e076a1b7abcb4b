"""`vigie backup` and `vigie restore`: a way back from a lost disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json
from vigie.errors import StackError
from vigie.local.backup import back_up
from vigie.local.restore import restore as put_back
from vigie.local.stack import find_stack, state_folder


@clear_errors
def backup(
    folder: Annotated[Path, typer.Argument(help="Where the backup's own folder is made.")],
    json: JsonFlag = False,
) -> None:
    """Copy warehouse, registry of models and contracts, while everything runs on."""
    stack = find_stack()
    if stack is None:
        message = (
            f"no stack in {state_folder()}: only the embedded database is copied. SQL Server has "
            "its own BACKUP DATABASE; after its RESTORE run `vigie warehouse restored`"
        )
        raise StackError(message)
    made, manifest = back_up(stack, folder)
    if json:
        print_json({"folder": str(made), "made_at": manifest.made_at, "ledger": manifest.ledger})
        return
    out.print(f"made {made}: {len(manifest.files)} files", highlight=False, soft_wrap=True)


@clear_errors
def restore(
    backup: Annotated[Path, typer.Argument(help="The folder that `vigie backup` made.")],
) -> None:
    """Put a backup into a state folder without a warehouse; then `vigie up` goes on from it."""
    put_back(backup, lambda line: err.print(line, highlight=False, soft_wrap=True))
    out.print("restored; `vigie up` reads from Kafka what came since", highlight=False)
