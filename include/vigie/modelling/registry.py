"""The model registry, MLflow: which version is champion, and the files of a version.

Two questions are all that a driver asks, so it asks them over HTTP: MLflow's own client would cost
each driver two seconds and 56 MB. What writes to the registry (`register.py`) uses that client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx

from vigie.errors import ModelError, NotCached, OtherFeatures, RegistryAway
from vigie.modelling.stored_fit import fingerprint, read_fit
from vigie.modelling.versions import Release, find_pinned
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine

if TYPE_CHECKING:
    from vigie.modelling.train import Fit

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
LIVE_FILE, JUDGED_FILE = "model.skops", "judged.skops"
"""A version's live fit, and the fit without the newest week that stands in for it at the gate."""
FOLDER = "model"
"""Where in a run's artefacts both are."""
_CACHED = 4
"""Files of a model that a folder keeps."""
_ABANDONED = 3600.0
"""Seconds after which a download that is not whole is no longer under way."""
_API = "/api/2.0/mlflow"
_SECONDS = 5.0


def registry_url() -> str:
    """Where MLflow is.

    Raises:
        RegistryAway: The setting is empty: there is no registry.
    """
    url = get_settings().mlflow.rstrip("/")
    if not url:
        raise RegistryAway("no model registry: VIGIE_MLFLOW is empty; set it, or run `vigie up`")
    return url


def find_aliases(model: str) -> Mapping[str, int]:
    """The versions that have an alias (`champion`, `challenger`, `previous`); none if no model.

    Raises:
        RegistryAway: MLflow does not answer.
    """
    reply = _get(f"{_API}/registered-models/get", {"name": model})
    if reply is None:
        return {}
    found = reply.json()["registered_model"].get("aliases", ())
    return {entry["alias"]: int(entry["version"]) for entry in found}


def find_release(model: str, alias: str, *, judged: bool = False) -> Release | None:
    """The version with this alias and the hash pinned for it; None where no version has it.

    Raises:
        RegistryAway: MLflow does not answer.
        ModelError: The warehouse has no hash for the version: it is not one of ours.
        sqlalchemy.exc.DBAPIError: The warehouse does not answer.
    """
    version = find_aliases(model).get(alias)
    if version is None:
        return None
    with get_engine().connect() as connection:
        release = find_pinned(connection, model, version, judged=judged)
    if release is None:
        raise ModelError(
            f"model {model}: {alias} is version {version}, which the warehouse has no hash for: "
            "it was not registered by Vigie and is not loaded. `vigie model list` names ours"
        )
    return release


def find_champion(model: str) -> Release | None:
    """The version in use; None where there is none yet. Raises as `find_release`."""
    return find_release(model, CHAMPION)


def fetch(release: Release, folder: Path, file: str = LIVE_FILE) -> Path:
    """The version's file in `folder`, downloaded unless it is there already, its hash compared.

    Raises:
        RegistryAway: MLflow does not answer.
        ModelError: MLflow has no such file, or one with another hash.
        NotCached: It cannot be written to the folder.
    """
    path = folder / f"{release.model}-{release.version}-{release.sha256[:16]}-{file}"
    if path.is_file() and fingerprint(path) == release.sha256:
        return path
    partial = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_abandoned(folder.glob(f"{release.model}-*-{file}.*"))
        partial.write_bytes(_download(release, file))
        found = fingerprint(partial)
        if found != release.sha256:
            raise ModelError(
                f"model {release.model} version {release.version}: {file} in the registry was "
                f"changed: its SHA-256 is {found[:12]}…, pinned is {release.sha256[:12]}…; "
                "it was not loaded"
            )
        partial.replace(path)
    except OSError as error:
        raise NotCached(
            f"model {release.model} version {release.version}: {file} cannot be kept in {folder}: "
            f"{error}; make room on the disk"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    cached = sorted(folder.glob(f"{release.model}-*-{file}"), key=lambda one: one.stat().st_mtime)
    for old in cached[:-_CACHED]:
        old.unlink(missing_ok=True)
    return path


def load_fit(path: Path, release: Release) -> Fit:
    """Read a file that `fetch` gave.

    Raises:
        ModelError: It was changed since, holds a type that is not on our list, or is no fit.
        OtherFeatures: The model makes other features now.
    """
    # Here, since scikit-learn takes seconds that not every reader of this module needs.
    from vigie.modelling.learned import MODELS

    name = f"model {release.model} version {release.version}"
    fit = read_fit(path, sha256=release.sha256, of=name)
    model = MODELS.get(release.model)
    if model is not None and not fit.sees(model.feature_names):
        raise OtherFeatures(
            f"{name}: was trained on other features than are made now; "
            f"train anew (`vigie model train {release.model}`)"
        )
    return fit


def _forget_abandoned(downloads: Iterable[Path]) -> None:
    """Remove what programs left that were killed meanwhile."""
    for partial in downloads:
        # Another program may do the same.
        with suppress(FileNotFoundError):
            if time() - partial.stat().st_mtime > _ABANDONED:
                partial.unlink()


def _download(release: Release, file: str) -> bytes:
    name = {"name": release.model, "version": str(release.version)}
    found = _get(f"{_API}/model-versions/get-download-uri", name)
    place = urlsplit(found.json()["artifact_uri"]).path.lstrip("/") if found else ""
    path = f"/api/2.0/mlflow-artifacts/artifacts/{quote(place)}/{file}"
    reply = _get(path, seconds=60) if place else None
    if reply is None:
        raise ModelError(
            f"model {release.model} version {release.version}: the registry has no {file} of it; "
            "return to another version (`vigie model return`) or train anew"
        )
    return reply.content


def _get(
    path: str, query: Mapping[str, str] | None = None, *, seconds: float = _SECONDS
) -> httpx.Response | None:
    """The answer; None where there is nothing of that name."""
    url = registry_url()
    try:
        # Reading the certificates of the world takes 20 ms, which plain HTTP needs none of.
        tls = url.startswith("https:")
        reply = httpx.get(f"{url}{path}", params=query, timeout=seconds, verify=tls)
        if reply.status_code == httpx.codes.NOT_FOUND and _said(reply) == "RESOURCE_DOES_NOT_EXIST":
            return None
        return reply.raise_for_status()
    except httpx.HTTPError as error:
        raise RegistryAway(
            f"the model registry at {url} does not answer: {error}; see its log, and `vigie status`"
        ) from error


def _said(reply: httpx.Response) -> Any:
    with suppress(ValueError):
        return reply.json().get("error_code")
    return None
