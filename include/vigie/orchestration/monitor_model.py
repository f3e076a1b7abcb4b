"""The page of `monitor_models`, and its task: skipped unless a training is asked for."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from vigie.orchestration.triage import triage

log = logging.getLogger(__name__)

MONITOR_PAGE = triage(
    does="Looks at each model once the newest event time of its feed went on by an hour, and every "
    "hour: it sums up the errors of the labels that became known (`report.model_error`), compares "
    "the inputs with those the champion was trained on (`report.model_input`), returns to the "
    "version before if the champion does worse, and asks for a training if the model drifts, or if "
    "there is data and no champion. Green: it asked, and the asset `drift_<model>` starts "
    "`train_<model>`. **Skipped is the usual outcome**: nothing was to be asked for. "
    "`vigie model error` shows what it found.",
    red="A model was not looked at: the warehouse was away, or the champion's file was changed or "
    "is not one of ours. Streams go on, and the model stays as it is.",
    todo="Read the error. Of a champion that cannot be loaded: `return_model_<model>`, or "
    "`train_<model>` by hand. The next look comes by itself within ten minutes.",
)


def monitor_or_skip(model: str, drift: Asset, outlet_events: Any) -> None:
    """Look at a model; the asset's event says for which event time a training is asked for.

    Raises:
        AirflowSkipException: No training is asked for, so the asset is not updated.
    """
    # Here, since scikit-learn takes seconds that a model of a feed without news need not wait for.
    if not _is_due(model):
        raise AirflowSkipException(f"model {model}: event time stands still")
    from vigie.monitoring.check import check_model

    found = check_model(model)
    if found is None:
        raise AirflowSkipException(f"model {model}: its feed has no reading yet")
    log.info("%s", found)
    if not found.emits:
        raise AirflowSkipException(f"model {model}: {found.outcome}: {found.reason}")
    outlet_events[drift].extra = {
        "event_time": found.event_time.isoformat(),
        "reason": found.reason,
        "version": found.version,
    }


def _is_due(model: str) -> bool:
    from vigie.contract.loader import load_feeds
    from vigie.monitoring.clock import due_models
    from vigie.warehouse.engines import get_engine

    with get_engine().connect() as connection:
        return model in due_models(connection, load_feeds().values())
