"""The operator that refreshes a Power BI dataset, without holding a worker slot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from vigie.orchestration.refresh_service import CONNECTION
from vigie.orchestration.refresh_trigger import POLL_SECONDS
from vigie.orchestration.start_refresh import StartRefresh
from vigie.orchestration.watch_refresh import WatchRefresh
from vigie.refresh.answers import State

TIMEOUT = timedelta(hours=5)


class RefreshDataset(BaseOperator):
    """Refreshes a dataset and ends as the refresh does; every argument but times is a template.

    While another refresh runs it waits. A try that follows a worker's or triggerer's death goes on
    with the refresh that was asked for. After `timeout`, or when the task is cleared or marked, the
    refresh is cancelled. A refresh that did not complete fails the task for good: a retry would
    spend another of the day's budget.

    Args:
        group_id: The workspace.
        dataset_id: The semantic model.
        body: The request's body: a dictionary, or JSON as text. None: the task is skipped.
        reach: What it reads again (`first_day`, `last_day`, `covers_until`, `partitions`), for
            `ops.refresh`.
        budget: Refreshes allowed in 24 hours, others' included; 0: any number. Beyond it the
            task is skipped.
        conn_id: The connection of type `powerbi`.
        timeout: How long waiting and refresh may take together.
        poll: Seconds between two looks.
    """

    template_fields: Sequence[str] = ("group_id", "dataset_id", "body", "reach", "budget")

    def __init__(
        self,
        *,
        group_id: str,
        dataset_id: str,
        body: Mapping[str, Any] | str | None,
        reach: Mapping[str, Any],
        budget: int | str = 0,
        conn_id: str = CONNECTION,
        timeout: timedelta = TIMEOUT,
        poll: float = POLL_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id, self.dataset_id = group_id, dataset_id
        self.body, self.reach, self.budget = body, reach, budget
        self.conn_id, self.timeout, self.poll = conn_id, timeout, poll

    def execute(self, context: Context) -> None:
        """Note what is asked for, then wait for the turn; or go on with what was begun.

        Raises:
            AirflowSkipException: There is nothing to ask for.
        """
        from vigie.refresh import record
        from vigie.warehouse.engines import get_engine

        if self.body is None:
            raise AirflowSkipException("there is nothing to ask for")
        asked = record.ask(get_engine(), _asked_for(context), _reach(self.reach))
        until = (asked.asked_at + self.timeout).timestamp()
        if asked.request_id is not None:
            self.log.info("going on with refresh %s", asked.request_id)
            self._watch(asked.request_id, until)
        body = json.loads(self.body) if isinstance(self.body, str) else dict(self.body)
        start = StartRefresh(
            **self._where(),
            body=body,
            since=asked.asked_at.timestamp(),
            until=until,
            budget=int(self.budget),
            not_ours=record.known_requests(get_engine()),
        )
        self.defer(trigger=start, method_name=self.started.__name__)

    def started(self, context: Context, event: dict[str, Any]) -> None:
        """Keep the id, then watch.

        Raises:
            AirflowSkipException: The day's budget is spent.
            AirflowFailException: It could not be started.
        """
        from vigie.refresh import record
        from vigie.warehouse.engines import get_engine

        asked = record.ask(get_engine(), _asked_for(context), _reach(self.reach))
        if "request_id" in event:
            record.begun(get_engine(), asked.refresh_id, event["request_id"])
            self._watch(event["request_id"], (asked.asked_at + self.timeout).timestamp())
        if "left_out" in event:
            record.ended(get_engine(), asked.refresh_id, "left out", event["left_out"])
            raise AirflowSkipException(event["left_out"])
        record.ended(get_engine(), asked.refresh_id, State.FAILED, event["why"])
        raise AirflowFailException(event["why"])

    def ended(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Succeed or fail as the refresh did.

        Raises:
            AirflowFailException: It did not complete.
        """
        from vigie.refresh import record
        from vigie.warehouse.engines import get_engine

        asked = record.ask(get_engine(), _asked_for(context), _reach(self.reach))
        record.ended(get_engine(), asked.refresh_id, event["state"], event["why"])
        told = f"refresh {event['request_id']} {event['state']}"
        if event["state"] != State.COMPLETED:
            raise AirflowFailException(f"{told}: {event['why'] or 'the service gave no reason'}")
        self.log.info(told)
        return event

    def _watch(self, request_id: str, until: float) -> None:
        watch = WatchRefresh(**self._where(), request_id=request_id, until=until)
        self.defer(trigger=watch, method_name=self.ended.__name__)

    def _where(self) -> dict[str, Any]:
        where = {"group_id": self.group_id, "dataset_id": self.dataset_id}
        return {"conn_id": self.conn_id, "poll": self.poll, **where}


def _asked_for(context: Context) -> str:
    # Whoever clears the task wants another refresh; a retry goes on with its own.
    ti, run = context["ti"], context["dag_run"]
    return f"{ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index} {run.clear_number}"


def _reach(reach: Mapping[str, Any]) -> Any:
    from vigie.refresh.record import Reach

    return Reach(
        first_day=date.fromisoformat(reach["first_day"]),
        last_day=date.fromisoformat(reach["last_day"]),
        covers_until=datetime.fromisoformat(reach["covers_until"]),
        partitions=bool(reach["partitions"]),
    )
