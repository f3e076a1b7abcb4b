"""What the warehouse knows of models: versions with pinned hashes, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sqlalchemy import Connection, func, insert, select

from vigie.warehouse.core import model_event, model_version

if TYPE_CHECKING:
    # It brings scikit-learn, which takes seconds that who only looks should not wait for.
    from vigie.modelling.train import Fit

Kind = Literal["registered", "refused", "promoted", "declined", "returned"]
SYSTEM = "vigie"
"""The person named for what happens by itself."""


@dataclass(frozen=True)
class Release:
    """One version of a model, and the SHA-256 its file must have to be loaded."""

    model: str
    version: int
    sha256: str


@dataclass(frozen=True)
class Event:
    """What became of a version or challenger, when (UTC), why, and by whom.

    The errors are mean absolute errors on the week that judged, in the target's unit.
    """

    at: datetime
    kind: str
    version: int | None
    reason: str
    error: float | None
    champion_error: float | None
    person: str
    run_id: str | None


def pin(connection: Connection, live: Release, judged_sha256: str, run_id: str, fit: Fit) -> None:
    """Keep the hashes of a version's two files: what MLflow holds later must equal them."""
    row = {
        "model": live.model,
        "version": live.version,
        "run_id": run_id,
        "sha256": live.sha256,
        "judged_sha256": judged_sha256,
        "trained_begin": _moment(fit.begin),
        "trained_end": _moment(fit.end),
        "trained_rows": fit.rows,
    }
    connection.execute(insert(model_version).values(row))


def find_pinned(
    connection: Connection, model: str, version: int, *, judged: bool = False
) -> Release | None:
    """A version with the hash of its live or its judged fit; None where it was never pinned."""
    t = model_version.c
    sha256 = t.judged_sha256 if judged else t.sha256
    found = connection.scalar(select(sha256).where(t.model == model, t.version == version))
    return None if found is None else Release(model, version, found)


def newest_version(connection: Connection, model: str) -> int:
    """The highest number any version of a model ever had; 0 where there is none."""
    t = model_version.c
    newest = connection.scalar(select(func.max(t.version)).where(t.model == model))
    return int(newest or 0)


def recent_versions(connection: Connection, model: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest versions of a model, newest first, as the rows of `ops.model_version`."""
    t = model_version.c
    newest = select(model_version).where(t.model == model).order_by(t.version.desc()).limit(limit)
    return [dict(row) for row in connection.execute(newest).mappings()]


def record_event(connection: Connection, model: str, kind: Kind, reason: str, **told: Any) -> None:
    """Add an event in the caller's transaction.

    `told` are `version`, `run_id`, `error`, `champion_error` and `person`, which is the system if
    not given.
    """
    row = {"model": model, "kind": kind, "reason": reason, "person": SYSTEM, **told}
    connection.execute(insert(model_event).values(row))


def recent_events(connection: Connection, model: str, *, limit: int) -> list[Event]:
    """The newest events of a model, oldest first."""
    t = model_event.c
    newest = select(model_event).where(t.model == model).order_by(t.event_id.desc()).limit(limit)
    return [
        Event(
            at=row.at.astimezone(UTC),
            kind=row.kind,
            version=row.version,
            reason=row.reason,
            error=row.error,
            champion_error=row.champion_error,
            person=row.person,
            run_id=row.run_id,
        )
        for row in reversed(connection.execute(newest).all())
    ]


def last_champion(connection: Connection, model: str) -> Release | None:
    """The version that was made champion last, for when the registry cannot be asked."""
    t = model_event.c
    made = select(t.version).where(t.model == model, t.kind.in_(("promoted", "returned")))
    version = connection.scalar(made.order_by(t.event_id.desc()).limit(1))
    return None if version is None else find_pinned(connection, model, version)


def _moment(at: np.datetime64) -> datetime:
    found: datetime = at.astype("datetime64[ms]").item()
    return found.replace(tzinfo=UTC)
