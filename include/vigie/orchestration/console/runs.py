"""Which run of a DAG the Streams page leads to."""

from __future__ import annotations

from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select


def newest_run(dag: str) -> str | None:
    """The id of a DAG's newest run."""
    newest = select(DagRun.run_id).where(DagRun.dag_id == dag).order_by(DagRun.id.desc()).limit(1)
    with create_session() as session:
        found: str | None = session.scalar(newest)
    return found
