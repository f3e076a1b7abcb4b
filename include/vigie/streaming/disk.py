"""Keeps a stream from filling the disk: no batch begins while too little of it is free."""

from __future__ import annotations

import logging
import shutil
import threading

from pyspark.sql import DataFrame

from vigie.settings import get_settings
from vigie.streaming.assemble import BatchFunction
from vigie.streaming.heartbeat import Pulse

log = logging.getLogger(__name__)

PHASE = "waiting for disk"
_LOOK_EVERY = 1.0


class WaitForDisk:
    """A batch function around another: waits while too little is free, unless told to stop.

    `disk_floor` in the settings says how much is enough, on the disk of the state folder.

    Looking again is progress, so that a stream that waits is not taken for a stalled one.
    """

    def __init__(
        self,
        batches: BatchFunction,
        pulse: Pulse,
        *,
        stop: threading.Event,
    ) -> None:
        settings = get_settings()
        self._batches, self._pulse, self._stop = batches, pulse, stop
        self._folder, self._floor = settings.state, settings.disk_floor * 1e9

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Run a batch once there is room."""
        self._wait()
        self._batches(records, batch_id)

    def _wait(self) -> None:
        if self._has_room():
            return
        before, self._pulse.phase = self._pulse.phase, PHASE
        log.warning("%s below %.1f GB free: waiting", self._folder, self._floor / 1e9)
        while not self._has_room() and not self._stop.wait(_LOOK_EVERY):
            self._pulse.advance()
        if self._pulse.phase == PHASE:
            self._pulse.phase = before

    def _has_room(self) -> bool:
        return shutil.disk_usage(self._folder).free >= self._floor
