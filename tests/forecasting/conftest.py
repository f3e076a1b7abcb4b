from __future__ import annotations

from tests.monitoring.conftest import registry
from tests.spark.conftest import spark

__all__ = ["registry", "spark"]
