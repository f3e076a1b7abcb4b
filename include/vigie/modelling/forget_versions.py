"""Keeps the registry small: a version is tens of megabytes, and training may be daily."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vigie.modelling.registry import FOLDER, find_aliases, registry_url

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEPT = 5
"""The newest so many versions stay, and those with an alias."""


def forget_old_versions(client: MlflowClient, model: str) -> list[int]:
    """Delete the others' files and their versions in the registry; returns their numbers.

    Their runs stay, with figures and pictures, and so does what the warehouse says of them.

    Raises:
        mlflow.exceptions.MlflowException: MLflow did not do so.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    named = set(find_aliases(model).values())
    versions = {int(v.version): v for v in client.search_model_versions(f"name='{model}'")}
    old = [number for number in sorted(versions)[:-KEPT] if number not in named]
    for number in old:
        run = client.get_run(str(versions[number].run_id))
        files = get_artifact_repository(run.info.artifact_uri, tracking_uri=registry_url())
        files.delete_artifacts(FOLDER)
        client.delete_model_version(model, str(number))
    return old
