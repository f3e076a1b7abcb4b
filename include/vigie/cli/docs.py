"""`vigie docs`: keep the generated pages of the documentation as code and contracts say."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.main import get_command

from vigie.cli.generated import add_commands
from vigie.contract.loader import load_feeds
from vigie.generated import Changes, differing
from vigie.settings import HOME

app = typer.Typer(
    help="Keep the generated pages of docs/ as code and contracts say.", no_args_is_help=True
)


def _find() -> tuple[Path, Changes]:
    # The page of commands is written from all of them, this one too.
    from vigie.cli.app import app as root
    from vigie.docs.project import pages

    wanted = pages(list(load_feeds().values()), HOME, get_command(root))
    return HOME, differing(wanted, HOME)


add_commands(
    app,
    _find,
    writes="Write the pages of settings, metrics, alerts, DAGs, tables, HTTP API and commands.",
    agree="code and documentation agree",
)
