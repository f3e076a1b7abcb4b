"""The files of the repository that follow from code, contracts and rules, and writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vigie.contract.feed import Feed
from vigie.metrics.grafana.project import dashboard_files
from vigie.metrics.pages import alerts_page, metrics_page
from vigie.metrics.rules import load_rules


def wanted_files(feeds: Sequence[Feed], home: Path) -> dict[Path, str]:
    """Path under `home` → what it should say.

    Raises:
        VigieError: A file of rules is no list of alerts.
    """
    rules = load_rules(home / "prometheus/rules")
    return {
        Path("docs/metrics.md"): metrics_page(),
        Path("docs/alerts.md"): alerts_page(rules),
        **dashboard_files(feeds),
    }


def due(feeds: Sequence[Feed], home: Path) -> dict[Path, str]:
    """Those whose text differs from what is there."""
    return {
        path: text
        for path, text in wanted_files(feeds, home).items()
        if not (home / path).is_file() or (home / path).read_text("utf-8") != text
    }


def write(changes: Mapping[Path, str], home: Path) -> None:
    """Write what `due` found."""
    for path, text in changes.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, "utf-8", newline="\n")
