"""`vigie validate`: are the contracts right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json
from vigie.contract.loader import feed_files, load_feed
from vigie.errors import ContractError


@clear_errors
def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contract files; all by default.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Check contract files and name every fault; exit code 1 if there is one."""
    faults: dict[str, str | None] = {}
    for path in files or feed_files():
        try:
            load_feed(path)
            faults[str(path)] = None
        except (ContractError, OSError) as error:
            faults[str(path)] = str(error)
    if json:
        print_json([{"file": file, "error": error} for file, error in faults.items()])
    else:
        for file, message in faults.items():
            if message is None:
                out.print(f"ok   {file}", highlight=False)
            else:
                err.print(message, highlight=False, markup=False)
    if any(faults.values()):
        raise typer.Exit(1)
