"""Every DAG as data, for the page that lists them: `python -m vigie.orchestration.dag_list DAGS`.

A process of its own, since only here may airflow be imported; it needs no database.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag

from vigie.errors import VigieError

_ALWAYS = {"ContinuousTimetable": "always, one run after the other", "NullTimetable": "by hand"}


def list_dags(folder: Path) -> list[dict[str, Any]]:
    """What each DAG is, in order of file and id.

    Raises:
        VigieError: A file could not be parsed.
    """
    bag = DagBag(dag_folder=str(folder))
    for path, fault in bag.import_errors.items():
        message = f"{path}: found an error, expected DAGs:\n{fault}"
        raise VigieError(message)
    dags = sorted(bag.dags.values(), key=lambda dag: (dag.fileloc, dag.dag_id))
    return [_told(dag) for dag in dags]


def _told(dag: Any) -> dict[str, Any]:
    params = dag.params or {}
    return {
        "id": dag.dag_id,
        "file": Path(dag.fileloc).name,
        "schedule": _schedule(dag.timetable),
        "params": {name: [params[name], _meaning(params, name)] for name in params},
        "tasks": [[task.task_id, task.pool] for task in dag.topological_sort()],
        "emits": sorted({asset.name for task in dag.tasks for asset in task.outlets}),
        "page": dag.doc_md,
    }


def _meaning(params: Any, name: str) -> str:
    return params.get_param(name).description or ""


def _schedule(timetable: Any) -> str:
    kind = type(timetable).__name__
    if kind in _ALWAYS:
        return _ALWAYS[kind]
    return ", or ".join(_parts(timetable))


def _parts(timetable: Any) -> Iterator[str]:
    # One that waits for assets too holds the other; Airflow's own class calls it a summary.
    cron = getattr(timetable, "timetable", timetable)
    told = getattr(cron, "expression", None) or getattr(cron, "summary", None)
    if told:
        yield f"`{told}` UTC"
    assets = getattr(timetable.asset_condition, "objects", ())
    if assets:
        names = " and ".join(sorted(f"`{asset.name}`" for asset in assets))
        yield f"when the asset {names} is updated"


if __name__ == "__main__":
    json.dump(list_dags(Path(sys.argv[1])), sys.stdout)
