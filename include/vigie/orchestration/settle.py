"""An operator that lets a burst of asset events settle, so that one run answers for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, Context


class Settle(BaseOperator):
    """Waits, deferred, before a run that assets have started; any other goes on at once."""

    def __init__(self, *, wait: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait = wait

    def execute(self, context: Context) -> None:
        """Defer if events started the run."""
        if str(context["dag_run"].run_type.value) == "asset_triggered":
            moment = datetime.now(UTC) + self.wait
            self.log.info("others may follow: waiting until %s", moment.isoformat("T", "seconds"))
            self.defer(trigger=DateTimeTrigger(moment=moment), method_name=self.settled.__name__)

    def settled(self, context: Context, event: Any = None) -> None:
        """Go on."""
