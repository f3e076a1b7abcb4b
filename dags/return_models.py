"""Returns to the champion before, by one click: return_model_<model>."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import Param, dag, task

from vigie.contract.loader import load_feeds
from vigie.orchestration import train_model as steps
from vigie.orchestration.restate import PERSON


def make_dag(feed: str, model: str) -> None:
    @dag(
        dag_id=f"return_model_{model}",
        schedule=None,
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie", "retries": 0},
        params={"reason": Param("it is better", description="Why.", type="string")},
        tags=["models", feed],
        doc_md=steps.RETURN_PAGE,
    )
    def return_model() -> None:
        back = task(task_id="return_to_previous")(steps.return_to_previous)
        back(model, PERSON, "{{ params.reason }}")

    return_model()


for contract in load_feeds().values():
    if contract.model:
        make_dag(contract.name, contract.model.name)
