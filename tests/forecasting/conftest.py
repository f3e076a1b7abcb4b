from __future__ import annotations

from tests.monitoring.conftest import registry

__all__ = ["registry"]
