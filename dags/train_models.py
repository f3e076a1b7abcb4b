"""Trains the model of each contract that has one: train_<model>, on its cadence or on drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, task

from vigie.contract.feed import Model
from vigie.contract.loader import load_feeds
from vigie.orchestration import train_model as steps
from vigie.orchestration.restate import PERSON
from vigie.settings import get_settings


def make_dag(feed: str, model: Model) -> None:
    @dag(
        dag_id=f"train_{model.name}",
        schedule=steps.schedule(model),
        start_date=datetime(2000, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "vigie", "retries": 2, "retry_delay": timedelta(minutes=1)},
        params={
            "approval": Param(get_settings().model_approval, description=steps.ASK, type="boolean")
        },
        tags=["models", feed],
        doc_md=steps.TRAIN_PAGE,
    )
    def train_model() -> None:
        name, approver = model.name, steps.APPROVER
        outcome = task(task_id="train", pool="heavy")(steps.train_model)(name, PERSON)
        choose = task.branch(task_id="choose")(steps.choose)(outcome, "{{ params.approval }}")
        approve = steps.AskForApproval(
            task_id="approve", subject=f"A new {name} model?", body=steps.QUESTION
        )
        promote = task(task_id="promote", trigger_rule="none_failed_min_one_success")(steps.promote)
        decline = task(task_id="decline")(steps.decline)
        promoted = promote(name, outcome, approver)
        choose >> [approve, promoted]
        approve >> [promoted, decline(name, outcome, approver)]

    train_model()


for contract in load_feeds().values():
    if contract.model:
        make_dag(contract.name, contract.model)
