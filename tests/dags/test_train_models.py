from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException
from jinja2 import Environment

from vigie.contract.loader import load_feeds
from vigie.errors import ModelError, TooLittleHistory
from vigie.modelling import training
from vigie.orchestration import train_model as steps
from vigie.settings import HOME

pytestmark = pytest.mark.dags

MODELS = {feed.model.name: feed.model for feed in load_feeds().values() if feed.model}


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(HOME / "dags"))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_trained_on_its_cadence_or_on_drift(bag: DagBag, name: str) -> None:
    dag = bag.dags[f"train_{name}"]
    assert type(dag.timetable).__name__ == "AssetOrTimeSchedule"
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == [f"drift_{name}"]
    assert dag.max_active_runs == 1
    assert dag.get_task("train").pool == "heavy"
    assert dag.params["approval"] is False
    assert bag.dags[f"return_model_{name}"].get_task("return_to_previous")


def test_the_cadence_gives_the_hour_and_drift_alone_gives_none() -> None:
    by_cadence = {
        cadence: steps.schedule(_with(cadence)) for cadence in ("daily", "weekly", "monthly")
    }
    assert len({str(each.timetable.expression) for each in by_cadence.values()}) == 3
    (only,) = steps.schedule(_with("drift"))
    assert only.name == "drift_nox"


def _with(cadence: str) -> Any:
    return SimpleNamespace(name="nox", cadence=cadence)


def test_what_follows_a_training() -> None:
    assert steps.choose({"version": None}, "True") is None
    assert steps.choose({"version": 3}, "False") == "promote"
    assert steps.choose({"version": 3}, "True") == "approve"


@pytest.mark.parametrize("name", MODELS)
def test_a_person_may_promote_or_decline_and_is_named(bag: DagBag, name: str) -> None:
    approve = bag.dags[f"train_{name}"].get_task("approve")
    assert set(approve.options_mapping.values()) == {"promote", "decline"}
    assert approve.downstream_task_ids == {"promote", "decline"}
    kept = {"train": {"version": 3, "model": name, "reason": "error 2", "run_id": "abc"}}
    ti = SimpleNamespace(xcom_pull=lambda task, key="return_value": kept.get(task))

    asked = Environment(autoescape=True).from_string(steps.QUESTION).render(ti=ti)

    assert asked == (f"Version 3 of {name}: error 2. Figures and pictures are in MLflow, run abc.")


def test_the_person_who_answered_is_kept(bag: DagBag, monkeypatch: pytest.MonkeyPatch) -> None:
    approve = steps.AskForApproval(task_id="approve", subject="?", body="?")
    monkeypatch.setattr(approve, "do_branch", lambda context, branches_to_execute: None)
    pushed: dict[str, str] = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    event = {
        "chosen_options": ["Decline"],
        "params_input": {},
        "responded_at": datetime(2026, 1, 1, tzinfo=UTC),
        "responded_by_user": {"id": "7", "name": "ada"},
    }

    approve.execute_complete({"ti": ti}, event)

    assert pushed == {"person": "ada"}


def test_too_little_history_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(error: ModelError) -> Any:
        def train(name: str, *, person: str) -> None:
            raise error

        return train

    monkeypatch.setattr(training, "train", refuse(TooLittleHistory("found 3 rows")))
    with pytest.raises(AirflowSkipException, match="found 3 rows"):
        steps.train_model("nox", "ada")
    monkeypatch.setattr(training, "train", refuse(ModelError("another process trains it")))
    with pytest.raises(ModelError, match="another process"):
        steps.train_model("nox", "ada")
