"""Where the task of a stream leads to: the Streams page, and its driver's page in Spark."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink

from vigie.orchestration.console.where import PAGE
from vigie.settings import get_settings


class StreamsPage(BaseOperatorLink):
    """The page that shows all streams."""

    name = "Streams"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page in Airflow's frame."""
        return f"{get_settings().airflow}/plugin/{PAGE}"


class SparkApplication(BaseOperatorLink):
    """The page of the stream's driver."""

    name = "Spark application"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The driver's page, there while a driver runs; empty where people cannot reach it."""
        from vigie.supervision.driver import ui_address

        return ui_address(operator.feed)
