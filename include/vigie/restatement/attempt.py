"""One transaction, tried again while the database is away, that takes effect once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from vigie.errors import VigieError
from vigie.restatement.record import is_recorded
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import as_transient
from vigie.warehouse.session import Session, TransientError

_PATIENCE = 120
"""Seconds after the first failure: what was frozen, or computed for long, is tried again, too."""

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

    def took_effect() -> bool:
        # A commit whose answer was lost is in the record of restatements, or did not happen.
        return bool(done) and is_recorded(engine, number)

    def attempt() -> R:
        with as_transient():
            if took_effect():
                return done[-1]
            session = open_warehouse(engine).open_session()
            try:
                said = prepare(session)
                done.append(said)
                session.commit()
            except TransientError:
                raise
            except VigieError:
                # The commit in doubt may land only while its repetition waits at the fence.
                session.rollback()
                if not took_effect():
                    raise
            finally:
                session.rollback()
                session.close()
            return done[-1]

    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=_Patience(),
        reraise=True,
    )
    return retrying(attempt)


class _Patience:
    """Ends the attempts some time after the first of them failed."""

    def __init__(self) -> None:
        self._failed_at: float | None = None

    def __call__(self, _: RetryCallState) -> bool:
        now = time.monotonic()
        if self._failed_at is None:
            self._failed_at = now
        return now - self._failed_at > _PATIENCE
