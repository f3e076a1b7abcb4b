"""How many rows the Spark jobs of bounded DAGs handled, which their operators do not tell.

A whole number that a task returns is its rows, and `push_result` adds up those of a run. An
operator that submits a job returns nothing: what it left in the warehouse is looked at instead,
before it starts and after it ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.sdk.bases.xcom import BaseXCom

Count = Callable[[], int]


def telling_rows(count: Count) -> dict[str, Any]:
    """Arguments of an operator that has it return by how much `count` grew."""
    before: list[int] = []

    def look(context: Any) -> None:
        before.append(count())

    def tell(context: Any, result: Any) -> None:
        context["ti"].xcom_push(BaseXCom.XCOM_RETURN_KEY, count() - before.pop())

    return {"pre_execute": look, "post_execute": tell}


def archived() -> int:
    """Messages in the lake, of all feeds."""
    from sqlalchemy import func

    from vigie.warehouse import core

    return _ask(func.sum(core.archive.c.messages))


def restated(feed: str) -> int:
    """Readings that restatements of a feed brought, took away or changed."""
    from sqlalchemy import func

    from vigie.warehouse import core

    t = core.restatement.c
    return _ask(func.sum(t.came + t.went + t.changed), t.feed == feed)


def forecast_by(feed: str) -> int:
    """Forecasts of the feed's nightly model."""
    from sqlalchemy import func

    from vigie.contract.loader import get_feed
    from vigie.warehouse.feed_tables import feed_tables

    table = feed_tables(get_feed(feed)).forecast
    return 0 if table is None else _ask(func.count(table.c.value))


def _ask(value: Any, *where: Any) -> int:
    from sqlalchemy import select

    from vigie.warehouse.engines import get_engine

    with get_engine().connect() as connection:
        return int(connection.scalar(select(value).where(*where)) or 0)
