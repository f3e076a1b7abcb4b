"""Sums up the errors of each day of event time whose labels are known, and keeps the sums true.

A day is summed up again while labels of it are still to become known, whenever `ops.day_count` says
that it has other readings since, and after each restatement, which may change readings without
changing their number. Doing so again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, delete, func, insert, or_, select

from vigie.contract.feed import Feed, Model
from vigie.monitoring.predictions import labelled
from vigie.warehouse import core
from vigie.warehouse.core import model_day, model_error
from vigie.warehouse.feed_tables import feed_tables

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def sum_up_days(engine: Engine, feed: Feed, block: Model, now: datetime) -> int:
    """Sum up the days that changed; `now` is the newest event time stored.

    Returns:
        How many days were summed up, each in one transaction.
    """
    table = feed_tables(feed).said
    if table is None:
        return 0
    known_until = now - block.label_delay
    with engine.connect() as connection:
        changed = list(_changed(connection, feed, block, known_until))
    for day, held in changed:
        with engine.begin() as connection:
            _sum_up(connection, feed, block, table, day, held, known_until)
    return len(changed)


def _changed(
    connection: Connection, feed: Feed, block: Model, known_until: datetime
) -> Iterator[tuple[date, dict[str, int]]]:
    """Days with known labels that are not summed up, or changed since, and what they hold now.

    Read before they are summed up: what changes meanwhile makes a day change again.
    """
    t, u, r = core.day_count.c, model_day.c, core.restatement.c
    count = (t.stored + t.restated - t.expired).label("readings")
    restatements = (
        select(func.count())
        .where(r.feed == t.feed, r.event_date == t.event_date, r.batch_no.is_not(None))
        .scalar_subquery()
    )
    then = (u.readings.label("readings_then"), u.restatements.label("restatements_then"))
    query = (
        select(t.event_date, count, restatements.label("restatements"), *then, u.known_until)
        .outerjoin_from(
            core.day_count,
            model_day,
            and_(u.model == block.name, u.event_date == t.event_date),
        )
        .where(t.feed == feed.name, t.event_date <= known_until.date())
        # An expired day keeps the sums it has.
        .where(or_(t.expired == 0, u.readings.is_(None)))
        .order_by(t.event_date)
    )
    for row in connection.execute(query):
        until = row.known_until
        # Once it is past the day's end, no other label of it becomes known.
        grew = until is None or until < min(known_until, _midnight(row.event_date) + _DAY)
        held = {"readings": row.readings, "restatements": row.restatements}
        if grew or [*held.values()] != [row.readings_then, row.restatements_then]:
            yield row.event_date, held


def _sum_up(
    connection: Connection,
    feed: Feed,
    block: Model,
    table: Table,
    day: date,
    held: dict[str, int],
    known_until: datetime,
) -> None:
    begin, end = _midnight(day), _midnight(day) + _DAY - _TICK
    rows = labelled(feed, block, table, begin, min(end, known_until)).subquery().c
    sums = select(
        rows.model_version.label("version"),
        func.count().label("predictions"),
        func.sum(func.abs(rows.residual)).label("absolute"),
        func.sum(rows.residual * rows.residual).label("squared"),
        func.sum(rows.residual).label("signed"),
    ).group_by(rows.model_version)
    key: dict[str, Any] = {"model": block.name, "event_date": day}
    found = [{**key, **row._mapping} for row in connection.execute(sums)]
    said = table.c
    unscored = connection.scalar(
        select(func.count())
        .select_from(table)
        .where(said.event_time >= begin, said.event_time <= end, said.value.is_(None))
    )
    for kept in (model_day, model_error):
        connection.execute(delete(kept).where(kept.c.model == block.name, kept.c.event_date == day))
    summed = {"known_until": known_until, "unscored": unscored}
    connection.execute(insert(model_day).values(**key, **held, **summed))
    if found:
        connection.execute(insert(model_error), found)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
