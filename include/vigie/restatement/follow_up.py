"""What follows the commit of a restatement, also of those that were killed right after theirs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, Engine, case, exists, or_, select, update

from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway
from vigie.restatement.documents import follow
from vigie.restatement.stored import day_span
from vigie.settings import get_settings
from vigie.streaming.document_store import open_store
from vigie.warehouse import core
from vigie.warehouse.roll_ups import roll_up
from vigie.warehouse.types import UtcNow

log = logging.getLogger(__name__)

_t = core.restatement.c


def finish(engine: Engine, feed: Feed) -> None:
    """Compute the roll-ups of restated days, then let their documents follow.

    Raises:
        DocumentsAway: The document server did not answer; the next restatement goes on with it.
    """
    _roll_up(engine, feed)
    _let_documents_follow(engine, feed)


def finish_earlier(engine: Engine, feed: Feed) -> None:
    """The same before a restatement, which a document server that is away does not hinder."""
    try:
        finish(engine, feed)
    except DocumentsAway as error:
        log.warning("%s", error)


def is_unfinished(connection: Connection, feed: Feed) -> bool:
    """Whether something that follows a commit waits for the next restatement of the feed."""
    waits: list[ColumnElement[bool]] = [_t.rolled_up_at.is_(None)]
    if get_settings().documents:
        waits += [_t.documents_due]
    found = exists().where(_t.feed == feed.name, or_(*waits))
    return bool(connection.scalar(select(case((found, 1), else_=0))))


def _roll_up(engine: Engine, feed: Feed) -> None:
    for day in _days(engine, feed, _t.rolled_up_at.is_(None)):
        roll_up(feed, *day_span(day), engine)
        _mark(engine, feed, [day], _t.rolled_up_at.is_(None), rolled_up_at=UtcNow())


def _let_documents_follow(engine: Engine, feed: Feed) -> None:
    days = _days(engine, feed, _t.documents_due)
    if not days:
        return
    store = open_store(feed)
    if store is None:
        log.warning(
            "%s: the documents of %d restated days wait: VIGIE_DOCUMENTS is empty",
            *(feed.name, len(days)),
        )
        return
    try:
        done = follow(engine, feed, store, days)
    except DocumentsAway as error:
        message = f"{error}. The rows are restated; the next restatement brings the documents"
        raise DocumentsAway(message) from error
    log.info("%s: documents of %d days: %s", feed.name, len(days), done)
    _mark(engine, feed, days, _t.documents_due, documents_due=False)


def _days(engine: Engine, feed: Feed, due: ColumnElement[bool]) -> list[date]:
    query = select(_t.event_date).where(_t.feed == feed.name, due).distinct()
    with engine.connect() as connection:
        return list(connection.scalars(query.order_by(_t.event_date)))


def _mark(
    engine: Engine, feed: Feed, days: Sequence[date], due: ColumnElement[bool], **done: object
) -> None:
    mine = (_t.feed == feed.name, _t.event_date.in_(days), due)
    with engine.begin() as connection:
        connection.execute(update(core.restatement).where(*mine).values(**done))
