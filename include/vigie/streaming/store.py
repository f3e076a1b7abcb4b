"""Stores batches: repeats the whole transaction when the database asks for it, never twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, literal, select
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from vigie.contract.feed import Feed
from vigie.errors import BrokerAway, DocumentsAway, LedgerConflict
from vigie.streaming.commit import Batch, Fence, commit_batch
from vigie.streaming.documents import Documents
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.launch import record_first_commit, record_session
from vigie.streaming.memory import Memory, load_memory
from vigie.streaming.score import Scorer
from vigie.warehouse import core
from vigie.warehouse.engines import as_transient
from vigie.warehouse.months import make_months
from vigie.warehouse.session import DuplicateKeyError, Session, TransientError, Warehouse

log = logging.getLogger(__name__)

PATIENCE = 300
"""Seconds a batch is tried before the driver gives up and a new launch takes over."""

WAITING = "waiting for documents"

R = TypeVar("R")


class Store:
    """One driver's way into the warehouse."""

    def __init__(
        self,
        warehouse: Warehouse,
        engine: Engine,
        feed: Feed,
        *,
        fence: Fence,
        pulse: Pulse,
        documents: Documents | None = None,
        scorer: Scorer | None = None,
        tell_messages: Callable[[], None] = lambda: None,
    ) -> None:
        self._warehouse, self._engine, self._feed = warehouse, engine, feed
        self._fence, self._pulse, self._documents = fence, pulse, documents
        self._scorer = scorer
        self._tell_messages = tell_messages
        self._session: Session | None = None
        self._memory = Memory()
        self._has_committed = False
        self._in_doubt = False

    def open(self) -> Session:
        """The open session, or a new one that is noted in the launch, with its memory read."""
        if self._session is None:
            session = self._session = self._warehouse.open_session()
            record_session(self._engine, self._feed.name, self._fence.launch, session.identify())
            self._memory = load_memory(session, self._feed)
        return self._session

    def store(self, batch: Batch) -> None:
        """Commit a batch exactly once.

        Raises:
            Superseded: A newer launch writes now.
            LedgerConflict: The batch does not continue the ledger.
            TransientError: The database stayed away for `PATIENCE` seconds.
            DocumentsAway: The document server did.
        """
        self.patiently(lambda: self._attempt(batch))
        if self._pulse.phase == WAITING:
            self._pulse.phase = "running"

    def patiently(self, action: Callable[[], R]) -> R:
        """Repeat an action while a server it needs is away, with growing pauses."""
        retrying = Retrying(
            retry=retry_if_exception_type((TransientError, BrokerAway, DocumentsAway)),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_delay(PATIENCE),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                self._pulse.advance()
                return self._try(action)
        raise AssertionError

    def _try(self, action: Callable[[], R]) -> R:
        try:
            with as_transient():
                return action()
        except TransientError as error:
            log.warning("%s: will be repeated: %s", self._feed.name, error)
            self.close()
            raise
        except DocumentsAway as error:
            log.warning("%s: %s: %s", self._feed.name, WAITING, error)
            self._pulse.phase = WAITING
            self.close()
            raise

    def close(self) -> None:
        """End the session, undoing what was not committed."""
        if self._session is not None:
            self._session.rollback()
            self._session.close()
            self._session = None

    def _attempt(self, batch: Batch) -> None:
        if self._documents is not None:
            # Asked first, so that a server that is away costs no load that is then undone.
            self._documents.require()
        session = self.open()
        repeated = self._in_doubt
        if not (repeated and self._is_stored(session, batch)):
            self._in_doubt = True
            self._make_months(batch)
            self._commit(session, batch, repeated=repeated)
        if not self._has_committed:
            record_first_commit(self._engine, self._feed.name, self._fence.launch)
        self._has_committed, self._in_doubt = True, False
        if self._memory.has_messages or repeated:
            # Memory read anew does not know whether the commit in doubt wrote any.
            self._memory.has_messages = False
            self._tell_messages()

    def _commit(self, session: Session, batch: Batch, *, repeated: bool) -> None:
        try:
            self._run(session, batch, careful=False)
        except LedgerConflict:
            # The commit in doubt may land only while its repetition waits at the fence.
            session.rollback()
            if not (repeated and self._is_stored(session, batch)):
                raise
            self._memory = load_memory(session, self._feed)
        except DuplicateKeyError:
            log.warning("%s: a reading thought new is stored; looking up all", self._feed.name)
            session.rollback()
            # A restatement may have stored it, and numbered a sensor this driver does not know.
            self._memory = load_memory(session, self._feed)
            self._run(session, batch, careful=True)

    def _run(self, session: Session, batch: Batch, *, careful: bool) -> None:
        documents = self._documents

        def keep(session: Session, stored: pa.Table, topic_id: str) -> None:
            for _ in documents.write(stored, topic_id) if documents else ():
                self._pulse.advance()
                # An open transaction that stays silent is ended by the database.
                session.run(select(literal(1)))

        commit_batch(
            *(session, self._feed, self._fence, batch, self._memory),
            careful=careful,
            scorer=self._scorer,
            before_commit=keep,
        )

    def _is_stored(self, session: Session, batch: Batch) -> bool:
        """Whether a commit whose answer was lost took effect: the ledger knows."""
        t, part = core.ledger.c, batch.ranges[0]
        rows = session.run(
            select(t.batch_no).where(
                *(t.feed == self._feed.name, t.topic_id == part.topic_id),
                *(t.kafka_partition == part.partition, t.begin_offset == part.begin),
                *(t.end_offset == part.end, t.launch == self._fence.launch),
            )
        )
        session.commit()
        return bool(rows)

    def _make_months(self, batch: Batch) -> None:
        accepted = batch.split.accepted
        times = accepted["event_time"].cast(pa.timestamp("us")).cast(pa.date32())
        make_months(self._warehouse, self._feed, pc.unique(times).to_pylist())
