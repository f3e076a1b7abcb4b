"""`vigie metrics`: keep Grafana's dashboards as code and contracts say."""

from __future__ import annotations

from pathlib import Path

import typer

from vigie.cli.generated import add_commands
from vigie.contract.loader import load_feeds
from vigie.generated import Changes, differing
from vigie.settings import HOME

app = typer.Typer(help="Keep Grafana's dashboards as code and contracts say.", no_args_is_help=True)


def _find() -> tuple[Path, Changes]:
    from vigie.metrics.grafana.project import dashboard_files

    return HOME, differing(dashboard_files(list(load_feeds().values())), HOME)


add_commands(app, _find, writes="Write Grafana's dashboards.", agree="code and dashboards agree")
