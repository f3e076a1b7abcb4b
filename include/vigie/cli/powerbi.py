"""`vigie powerbi`: keep the Power BI project as the contracts say."""

from __future__ import annotations

from pathlib import Path

import typer

from vigie.cli.generated import add_commands
from vigie.contract.loader import load_feeds
from vigie.generated import Changes
from vigie.settings import get_settings

app = typer.Typer(help="Keep the Power BI project as the contracts say.", no_args_is_help=True)


def _find() -> tuple[Path, Changes]:
    from vigie.powerbi.project import due

    folder = get_settings().powerbi
    return folder, due(list(load_feeds().values()), folder)


add_commands(
    app,
    _find,
    writes="Write tables, measures, relationships and roles from the contracts, and pages from "
    "pages.yaml.",
    agree="contracts and Power BI project agree",
)
