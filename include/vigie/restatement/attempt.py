"""One transaction, tried again while the database is away, that takes effect once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from vigie.restatement.record import is_recorded
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.session import Session, TransientError

_PATIENCE = 120

R = TypeVar("R")


def commit_once(engine: Engine, number: str, prepare: Callable[[Session], R]) -> R:
    """Run all but the commit of a restatement, commit, and return what `prepare` returned.

    Args:
        engine: The warehouse.
        number: The key of the row in `ops.restatement` that `prepare` writes, if it changes any.
        prepare: Called again with a new session when the database asks for it.

    Raises:
        TransientError: The database stayed away.
    """
    done: list[R] = []

    def attempt() -> R:
        # A commit whose answer was lost is in the record of restatements, or did not happen.
        if done and is_recorded(engine, number):
            return done[-1]
        session = open_warehouse(engine).open_session()
        try:
            done.append(prepare(session))
            session.commit()
        finally:
            session.rollback()
            session.close()
        return done[-1]

    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(_PATIENCE),
        reraise=True,
    )
    return retrying(attempt)
