"""CPU seconds of processes, and when what they commit becomes visible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil
import psycopg

Cpu = dict[str, float]
_LOOK_EVERY = 0.02


def cpu_of(process: psutil.Process) -> float:
    """User and system seconds of one process with all its threads."""
    times = process.cpu_times()
    return times.user + times.system


def cpu_of_descendants(process: psutil.Process) -> float:
    """The same of all processes below it."""
    return sum(map(_left, process.children(recursive=True)))


def cpu_of_postgres(postmaster: psutil.Process, *, leave_out: int) -> float:
    """The same of the whole server but the backend `leave_out`, which must live on.

    A backend that ends between two readings is not lost: the postmaster waits for each of its
    children, so that their seconds pass into its `children_user` and `children_system`.
    """
    while True:
        ended = _cpu_of_ended(postmaster)
        live = sum(_left(child) for child in postmaster.children() if child.pid != leave_out)
        # A child that ended just now could be in neither sum, or in both.
        if _cpu_of_ended(postmaster) == ended:
            return cpu_of(postmaster) + ended + live


def _cpu_of_ended(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.children_user + times.children_system


def _left(child: psutil.Process) -> float:
    try:
        return cpu_of(child)
    except psutil.NoSuchProcess:
        return 0.0


@dataclass(frozen=True)
class Seen:
    """What the ledger showed at the time `at` (seconds since the epoch)."""

    at: float
    ends: Mapping[int, int]
    batch: int

    def reaches(self, ends: Mapping[int, int]) -> bool:
        """Whether everything before `ends` is committed."""
        return all(self.ends.get(partition, 0) >= end for partition, end in ends.items())


class LedgerWatch:
    """Looks at a ledger every 20 ms, from a session of its own.

    `committed_at` in the ledger would not do: it is the start of the transaction.
    """

    def __init__(self, connection: psycopg.Connection, ledger: str, feed: str) -> None:
        self.history: list[Seen] = []
        self._connection, self._feed = connection, feed
        self._query = (
            f"SELECT kafka_partition, max(end_offset), max(batch_no) FROM {ledger} "
            "WHERE feed = %s GROUP BY kafka_partition"
        )

    @property
    def backend(self) -> int:
        """The pid of the session's server process."""
        return self._connection.info.backend_pid

    def wait(self, reached: Callable[[Seen], bool], *, check: Callable[[], None]) -> Seen:
        """Look until `reached`; `check` raises once waiting on makes no sense."""
        while True:
            seen = self._look()
            if reached(seen):
                return seen
            check()
            time.sleep(_LOOK_EVERY)

    def _look(self) -> Seen:
        rows = self._connection.execute(self._query, (self._feed,)).fetchall()
        ends = {partition: end for partition, end, _ in rows}
        seen = Seen(time.time(), ends, max((batch for *_, batch in rows), default=0))
        if not self.history or self.history[-1].ends != ends:
            self.history.append(seen)
        return self.history[-1]


@dataclass(frozen=True)
class Bulk:
    """One side's way through the waiting messages: how many, how long, CPU seconds by part."""

    messages: int
    seconds: float
    cpu: Cpu

    @property
    def client_and_database(self) -> float:
        """All that was spent but by the broker."""
        return sum(seconds for part, seconds in self.cpu.items() if part != "broker")


def measure_bulk(
    watch: LedgerWatch,
    meter: Callable[[], Cpu],
    *,
    warm_up: int,
    ends: Mapping[int, int],
    check: Callable[[], None],
) -> Bulk:
    """Measure from the commit of batch `warm_up` to the commit that reaches `ends`.

    The batches before it are left out: start, code generation, compilation, first connections.
    """
    first = watch.wait(lambda seen: seen.batch >= warm_up, check=check)
    before = meter()
    last = watch.wait(lambda seen: seen.reaches(ends), check=check)
    after = meter()
    return Bulk(
        messages=sum(last.ends.values()) - sum(first.ends.values()),
        seconds=last.at - first.at,
        cpu={part: after[part] - before[part] for part in after},
    )


def measure_call(call: Callable[[], int], meter: Callable[[], Cpu]) -> Bulk:
    """Measure one call, which returns how many messages it dealt with."""
    began, before = time.monotonic(), meter()
    messages = call()
    after = meter()
    return Bulk(
        messages=messages,
        seconds=time.monotonic() - began,
        cpu={part: after[part] - before[part] for part in after},
    )
