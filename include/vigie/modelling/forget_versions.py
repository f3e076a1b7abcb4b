"""Keeps the registry small: a version is tens of megabytes, and training may be daily."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vigie.modelling.registry import FOLDER, find_aliases, registry_url

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

log = logging.getLogger(__name__)

KEPT = 5
"""The newest so many versions stay, and those with an alias."""


def forget_old_versions(client: MlflowClient, model: str) -> list[int]:
    """Delete the others' files and their versions in the registry; returns their numbers.

    Their runs stay, with figures and pictures, and so does what the warehouse says of them. One
    that MLflow does not delete is logged, and tried again after the next training.

    Raises:
        RegistryAway: MLflow does not answer.
        mlflow.exceptions.MlflowException: MLflow does not say what there is.
    """
    named = set(find_aliases(model).values())
    versions = {int(v.version): v for v in client.search_model_versions(f"name='{model}'")}
    old = [number for number in sorted(versions)[:-KEPT] if number not in named]
    return [number for number in old if _forget(client, versions[number])]


def _forget(client: MlflowClient, version: ModelVersion) -> bool:
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from requests import RequestException

    try:
        # Not by its run, which may be gone.
        place = str(version.source).removesuffix(f"/{FOLDER}")
        get_artifact_repository(place, tracking_uri=registry_url()).delete_artifacts(FOLDER)
        client.delete_model_version(version.name, version.version)
    except (MlflowException, RequestException) as error:
        log.warning("model %s version %s stays: %s", version.name, version.version, error)
        return False
    return True
