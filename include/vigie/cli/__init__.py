"""The `vigie` command: one module per noun."""

from __future__ import annotations

from vigie.cli.app import app

__all__ = ["app"]
