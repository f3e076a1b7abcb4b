"""Lets batches through until closed, so that a stop never interrupts one."""

from __future__ import annotations

import threading

from pyspark.sql import DataFrame

from vigie.streaming.assemble import BatchFunction


class Gate:
    """A batch function around another; closing waits for the batch in hand.

    `query.stop()` interrupts a batch in progress, so it may only be called behind a closed gate.
    A batch that comes later returns without writing: the ledger is the checkpoint.
    """

    def __init__(self, batches: BatchFunction) -> None:
        self.error: Exception | None = None
        self._batches = batches
        self._in_hand = threading.Lock()
        self._closed = False

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Run a batch; keep its error, which Spark would only give as text."""
        with self._in_hand:
            if self._closed:
                return
            try:
                self._batches(records, batch_id)
            except Exception as error:
                self.error = error
                raise

    def close(self) -> None:
        """Let no further batch through; returns when the one in hand is done."""
        with self._in_hand:
            self._closed = True

    def try_close(self) -> bool:
        """Close if no batch is in hand; returns whether it is closed."""
        if not self._in_hand.acquire(blocking=False):
            return False
        self._closed = True
        self._in_hand.release()
        return True
