"""The pages of `train_<model>` and `return_model_<model>`, their schedule and their steps."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import Asset, AssetOrTimeSchedule, Context, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowSkipException

from vigie.contract.feed import Model
from vigie.errors import TooLittleHistory
from vigie.orchestration.triage import triage

log = logging.getLogger(__name__)

TRAIN_PAGE = triage(
    does="Trains a challenger on the history in the warehouse, judges it against the champion on "
    "the newest week of known labels, and keeps run, figures and pictures in MLflow. If it passes, "
    "it is fitted again on everything and becomes champion; streams take it over within seconds. "
    "With the parameter `approval` a person decides first (*Required Actions*); without an answer "
    "within a day it is declined. "
    "`vigie model history NAME` tells what happened and why. Skipped: too little history yet.",
    red="No model was trained: MLflow or the warehouse did not answer, or another process trains "
    "the same model. The champion until now stays in use; readings are not affected.",
    todo="Read the error; see `vigie status`. Clear the task, or wait: the next run trains anew. A "
    "training of its own: `vigie model train NAME`. If the new champion is worse than the one "
    "before, run `return_model_<model>`.",
)
RETURN_PAGE = triage(
    does="Makes the version before champion again, and the champion of now `previous`: running it "
    "twice is doing nothing. Streams take it over within seconds; the next training judges its "
    "challenger against the version returned to.",
    red="Nothing was changed: there is no version before, or MLflow did not answer.",
    todo="`vigie model list` shows which versions there are; see `vigie status`.",
)
APPROVER = "{{ ti.xcom_pull('approve', key='person') or 'vigie' }}"
"""Who promotes or declines, for the record."""
ASK = "Whether a person decides before a challenger becomes champion."
QUESTION = (
    "{% set it = ti.xcom_pull('train') %}Version {{ it.version }} of {{ it.model }}: "
    "{{ it.reason }}. Figures and pictures are in MLflow, run {{ it.run_id }}."
)
_CRON = {"daily": "0 1 * * *", "weekly": "0 1 * * 1", "monthly": "0 1 1 * *"}


def drift_asset(model: str) -> Asset:
    """What `monitor_models` updates when a model should be trained before its time."""
    return Asset(name=f"drift_{model}", uri=f"vigie://models/{model}/drift")


def schedule(model: Model) -> Any:
    """On the contract's cadence, or when the drift asset is updated; never only on time."""
    drift = drift_asset(model.name)
    if model.cadence == "drift":
        return [drift]
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(_CRON[model.cadence], timezone="UTC"), assets=[drift]
    )


def train_model(model: str, person: str) -> dict[str, Any]:
    """Train and judge; what came of it.

    Raises:
        AirflowSkipException: There is too little history to train on.
        VigieError: It failed; the champion stays.
    """
    from vigie.modelling.training import train

    try:
        outcome = train(model, person=person)
    except TooLittleHistory as error:
        raise AirflowSkipException(str(error)) from error
    log.info("%s", outcome)
    return asdict(outcome)


def choose(outcome: Mapping[str, Any], approval: str) -> str | None:
    """The task that follows a training: none where the challenger did not pass."""
    if outcome["version"] is None:
        return None
    return "approve" if approval == "True" else "promote"


def promote(model: str, outcome: Mapping[str, Any], person: str) -> None:
    """Make the challenger champion."""
    from vigie.modelling.champions import promote_challenger

    promote_challenger(model, outcome["version"], person=person, reason=outcome["reason"])


def decline(model: str, outcome: Mapping[str, Any], person: str) -> None:
    """Leave the champion as it is."""
    from vigie.modelling.champions import decline_challenger

    decline_challenger(model, outcome["version"], person=person)


def return_to_previous(model: str, person: str, reason: str) -> None:
    """Make the version before champion again."""
    from vigie.modelling import champions

    version = champions.return_to_previous(model, person=person, reason=reason)
    log.info("champion of %s is version %s again", model, version)


class AskForApproval(HITLBranchOperator):
    """Lets a person promote or decline, and keeps the name of that person."""

    def __init__(self, **kwargs: Any) -> None:
        answers = {"Promote": "promote", "Decline": "decline"}
        # Later trainings wait for the answer, and a challenger is not worth much after a day.
        super().__init__(
            options=list(answers),
            options_mapping=answers,
            defaults="Decline",
            response_timeout=timedelta(days=1),
            **kwargs,
        )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Go the way that was chosen."""
        who = event.get("responded_by_user") or {"name": "nobody answered"}
        context["ti"].xcom_push(key="person", value=who["name"])
        return super().execute_complete(context=context, event=event)
