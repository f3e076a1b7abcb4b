"""The commands `plan` and `generate` of whatever is written from code and contracts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from vigie.cli.output import clear_errors, out
from vigie.generated import Changes, write


def add_commands(
    app: typer.Typer, find: Callable[[], tuple[Path, Changes]], *, writes: str, agree: str
) -> None:
    """Give an app both commands.

    Args:
        app: The noun they belong to.
        find: The folder, and what differs in it.
        writes: The help of `generate`.
        agree: What is said when nothing differs.
    """

    @app.command()
    @clear_errors
    def plan() -> None:
        """Name the files that `generate` would change; exit 1 if there are any."""
        _, changes = find()
        for path, text in changes.items():
            out.print(
                f"{'goes' if text is None else 'due'}  {path}", highlight=False, soft_wrap=True
            )
        if changes:
            raise typer.Exit(1)
        out.print(agree)

    @app.command(help=writes)
    @clear_errors
    def generate() -> None:
        folder, changes = find()
        write(changes, folder)
        for path, text in changes.items():
            out.print(
                f"{'removed' if text is None else 'wrote'}  {path}", highlight=False, soft_wrap=True
            )
        if not changes:
            out.print(f"{agree}; nothing to write")
