"""The dashboards as the files that Grafana is provisioned with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from vigie.contract.feed import Feed
from vigie.metrics.grafana.feed import one_feed
from vigie.metrics.grafana.models import models
from vigie.metrics.grafana.platform import platform

FOLDER = Path("grafana/dashboards")


def dashboard_files(feeds: Sequence[Feed]) -> dict[Path, str]:
    """Path in the repository → JSON."""
    made = {"platform": platform(feeds), "feed": one_feed(), "models": models()}
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return {
        FOLDER / f"{name}.json": encoder.encode(one.build()) + "\n" for name, one in made.items()
    }
