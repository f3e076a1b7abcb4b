"""Training as production does it: the functions of the backtest, on the warehouse's history.

A challenger that passes the gate waits in the registry under that alias until it is promoted; until
then nobody predicts with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import numpy as np

from vigie.errors import ModelError, NotCached, TooLittleHistory
from vigie.modelling.forget_versions import forget_old_versions
from vigie.modelling.gate import Champion, judge, promote
from vigie.modelling.history import read_training_history
from vigie.modelling.learned import find_model
from vigie.modelling.log_training import Training, log_training
from vigie.modelling.register import open_client, open_run, register, set_aliases
from vigie.modelling.registry import (
    CHALLENGER,
    CHAMPION,
    JUDGED_FILE,
    fetch,
    find_release,
    load_fit,
)
from vigie.modelling.train import challenge
from vigie.modelling.versions import SYSTEM, Kind, record_event
from vigie.settings import get_settings
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine
from vigie.warehouse.event_time import newest_event_time


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    `version` is that of the challenger in the registry, None where it did not pass. The errors are
    mean absolute errors on the newest week of known labels, in the target's unit.
    """

    model: str
    version: int | None
    reason: str
    error: float
    champion_error: float | None
    run_id: str
    seconds: float


def train(name: str, *, person: str = SYSTEM) -> Outcome:
    """Train a challenger on what is stored, judge it, and register it if it passes.

    Raises:
        TooLittleHistory: There are too few readings with known labels.
        ModelError: There is no such model, or another process trains it.
        RegistryAway: MLflow does not answer; nothing was changed, the champion stays.
        NotCached: The champion cannot be fetched to be compared with.
    """
    started = monotonic()
    model, feed, block = find_model(name)
    with _alone(name), open_client() as client:
        champion, doubt = _find_champion(name)
        with get_engine().connect() as connection:
            now = newest_event_time(connection, feed)
        if now is None:
            raise TooLittleHistory(f"model {name}: feed {feed.name} has no reading yet")
        delay = np.timedelta64(block.label_delay).astype("timedelta64[ms]")
        readings = read_training_history(model, feed, block, now)
        data = model.dataset(readings, block.target, delay)
        known = data.known_by(np.datetime64(now.replace(tzinfo=None), "ms"))
        challenger = challenge(model, known)
        verdict = judge(challenger, champion)
        reason = doubt + verdict.reason
        release = None
        with open_run(client, name, {"passed": str(verdict.passed), "reason": reason}) as run:
            log_training(client, run, Training(model, feed, block, known, challenger, verdict))
            if verdict.passed:
                release = register(client, name, run, promote(model, challenger, known))
                set_aliases(client, name, {CHALLENGER: release.version})
        version = release.version if release else None
        told = {"error": verdict.challenger, "champion_error": verdict.champion, "run_id": run}
        with get_engine().begin() as connection:
            kind: Kind = "registered" if release else "refused"
            record_event(connection, name, kind, reason, version=version, person=person, **told)
        forget_old_versions(client, name)
    seconds = round(monotonic() - started, 1)
    return Outcome(name, version, reason, verdict.challenger, verdict.champion, run, seconds)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with open_warehouse().hold(f"model {name}") as held:
        if not held:
            raise ModelError(f"model {name}: another process trains it; try again when it is done")
        yield


def _find_champion(name: str) -> tuple[Champion | None, str]:
    """The champion, and in words why there is none though the registry names one.

    What cannot be loaded must not keep a new model from taking its place.
    """
    folder = get_settings().state / "models"
    try:
        live = find_release(name, CHAMPION)
        judged = find_release(name, CHAMPION, judged=True)
        if live is None or judged is None:
            return None, ""
        found = Champion(
            live=load_fit(fetch(live, folder), live),
            judged=load_fit(fetch(judged, folder, JUDGED_FILE), judged),
        )
    except NotCached:
        raise
    except ModelError as error:
        return None, f"the champion cannot be loaded ({error}); "
    return found, ""
