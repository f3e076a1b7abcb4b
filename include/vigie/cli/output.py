"""How commands print: a table for people, JSON for programs, one line for an error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import OperationalError

from vigie.errors import VigieError

P = ParamSpec("P")
R = TypeVar("R")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
# A pipe or a file has no width of its own: a table is not cut there.
out = Console(width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True)
_HELP = "See `vigie status`; `vigie up` starts the local stack"


def print_json(value: Any) -> None:
    """Print a value as indented JSON; times in ISO 8601."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    sys.stdout.write(text.decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print rows under column names; None shows as a dash."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD)
    table.pad_edge, table.padding = False, (0, 1)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As Text: what a device sent must not be read as markup.
        table.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    out.print(table)


def _say(text: str) -> None:
    err.print(f"[bold red]error:[/] {escape(text)}", highlight=False)


def clear_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn an error of ours, or a warehouse that is away, into its message and exit code 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except VigieError as error:
            _say(str(error))
            raise typer.Exit(2) from error
        except OperationalError as error:
            _say(f"the warehouse does not answer, or broke off: {str(error.orig).strip()}. {_HELP}")
            raise typer.Exit(2) from error

    return run
