"""The states of a stream, and what each asks of the person who sees it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What a stream is doing, judged by its progress."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STALLED = "stalled"
    DEAD = "dead"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


_MEANING = {
    State.STARTING: "A driver is about to start, or takes its first batch.",
    State.RUNNING: "The driver lives and keeps up, or gets on.",
    State.WAITING: "The driver lives and waits for a part that is away. Readings wait in Kafka.",
    State.STALLED: "It is behind, and for a minute neither a batch nor an attempt got on.",
    State.DEAD: "Its driver is gone: no heartbeat for 15 seconds, or Spark says that it ended.",
    State.STOPPING: "It was asked to end; the batch in hand commits first.",
    State.STOPPED: "Nobody wants it to run. Readings wait in Kafka while its topic keeps them.",
    State.BLOCKED: "Kafka no longer has readings that come next. It skips nothing by itself.",
    State.UNKNOWN: "Nobody can tell: the warehouse does not answer. The driver may well live.",
}

_ADVICE = {
    State.STARTING: "Nothing to do: a driver takes up to a minute to its first commit. With "
    "`no capacity` Spark's workers lack cores or memory: add some, or stop another stream.",
    State.RUNNING: "Nothing to do.",
    State.WAITING: "Bring back what it waits for; the phase names it (for `disk`, make room: "
    "`vigie status` shows which part takes how much). It goes on by itself; nothing is lost.",
    State.STALLED: "It is relaunched. If it stalls again, read `vigie stream log {feed}`.",
    State.DEAD: "It is relaunched, after a pause that grows to 10 minutes while launches fail. "
    "Read the error and `vigie stream log {feed}`; `vigie stream restart {feed}` skips the pause.",
    State.STOPPING: "Nothing to do: the batch in hand commits; after 60 seconds it is killed.",
    State.STOPPED: "Start it with `vigie stream start {feed}`.",
    State.BLOCKED: "Nothing relaunches it. See the gaps with `vigie stream resume {feed}`, recover "
    "what can be recovered, then accept them with `--accept-gap`. If it names no gap, read the "
    "error, and after the repair `vigie stream restart {feed}`.",
    State.UNKNOWN: "The warehouse does not answer. Nothing is done to the stream until it is back.",
}


def meaning(state: State) -> str:
    """What the state says of a stream."""
    return _MEANING[state]


def advice(state: State, feed: str) -> str:
    """What to do about a stream in this state."""
    return _ADVICE[state].format(feed=feed)
