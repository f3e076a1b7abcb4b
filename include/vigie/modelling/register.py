"""Writes to the model registry: runs, versions, aliases, by MLflow's own client."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from vigie.errors import RegistryAway
from vigie.modelling.gate import Champion
from vigie.modelling.registry import FOLDER, JUDGED_FILE, LIVE_FILE, find_aliases, registry_url
from vigie.modelling.stored_fit import save_fit
from vigie.modelling.versions import Release, newest_version, pin
from vigie.warehouse.engines import get_engine

if TYPE_CHECKING:
    from mlflow import MlflowClient

# The client's own patience is several minutes; a task that fails is tried again anyway.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}


@contextmanager
def open_client() -> Iterator[MlflowClient]:
    """MLflow's client; it takes seconds to import, so this is for programs that train.

    Raises:
        RegistryAway: There is no registry, or it refused or did not answer inside the block.
    """
    url = registry_url()
    for name, value in (_PATIENCE | _QUIET).items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield MlflowClient(url, url)
    # Of artefacts the client passes on what its own library raises, such as of a full disk there.
    except (MlflowException, RequestException) as error:
        raise RegistryAway(
            f"the model registry at {url} does not answer, or refused: {error}; "
            "see its log, and `vigie status`"
        ) from error


@contextmanager
def open_run(client: MlflowClient, model: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A new run, ended with the block: finished, or failed if it raised. Yields the run's id."""
    from mlflow.exceptions import MlflowException

    run_id = begin_run(client, model, tags)
    try:
        yield run_id
    except BaseException:
        with suppress(MlflowException):
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)


def begin_run(client: MlflowClient, model: str, tags: Mapping[str, str]) -> str:
    """A new run in the experiment that has the model's name; returns its id."""
    found = client.get_experiment_by_name(model)
    experiment = found.experiment_id if found else client.create_experiment(model)
    return str(client.create_run(experiment, tags=dict(tags)).info.run_id)


def register(client: MlflowClient, model: str, run_id: str, champion: Champion) -> Release:
    """Keep both fits as artefacts of the run, as a new version, and pin their hashes.

    Numbers go on where the warehouse's end, even on a registry made anew: a version that a
    prediction names is one thing for ever.
    """
    with TemporaryDirectory() as folder:
        live, judged = Path(folder, LIVE_FILE), Path(folder, JUDGED_FILE)
        hashes = {LIVE_FILE: save_fit(champion.live, live)}
        hashes[JUDGED_FILE] = save_fit(champion.judged, judged)
        for file in (live, judged):
            client.log_artifact(run_id, str(file), FOLDER)
    source = f"{client.get_run(run_id).info.artifact_uri}/{FOLDER}"
    _ensure_model(client, model)
    with get_engine().connect() as connection:
        known = newest_version(connection, model)
    while True:
        made = client.create_model_version(model, source, run_id, tags=hashes, await_creation_for=0)
        if int(made.version) > known:
            break
        client.delete_model_version(model, made.version)
    release = Release(model, int(made.version), hashes[LIVE_FILE])
    with get_engine().begin() as connection:
        pin(connection, release, hashes[JUDGED_FILE], run_id, champion.live)
    return release


def set_aliases(client: MlflowClient, model: str, wanted: Mapping[str, int | None]) -> None:
    """Give each alias to its version, in this order, or take it from all where it is None."""
    have = find_aliases(model)
    for alias, version in wanted.items():
        if version is not None:
            client.set_registered_model_alias(model, alias, str(version))
        elif alias in have:
            client.delete_registered_model_alias(model, alias)


def _ensure_model(client: MlflowClient, model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
