"""The generated pages of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vigie.contract.feed import Feed
from vigie.docs.api import api_page
from vigie.docs.commands import commands_page
from vigie.docs.dags import dags_page
from vigie.docs.metrics import alerts_page, metrics_page
from vigie.docs.settings import settings_page
from vigie.docs.tables import tables_page
from vigie.metrics.rules import load_rules


def pages(feeds: Sequence[Feed], home: Path, commands: Any) -> dict[Path, str]:
    """Path under `home` → what it should say; `commands` is Typer's tree of all of them.

    Raises:
        VigieError: A file of rules is no list of alerts, or a DAG file has a fault.
    """
    made = {
        "alerts": alerts_page(load_rules(home / "prometheus/rules")),
        "api": api_page(feeds),
        "commands": commands_page(commands),
        "dags": dags_page(feeds, home / "dags"),
        "metrics": metrics_page(),
        "settings": settings_page(),
        "tables": tables_page(feeds, home / "warehouse_ddl"),
    }
    return {Path("docs") / f"{name}.md": text for name, text in made.items()}
