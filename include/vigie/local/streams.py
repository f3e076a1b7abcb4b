"""Waits until the streams live, as the last step of a start."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep

from vigie.errors import StackError
from vigie.local import airflow_api
from vigie.local.stack import Stack
from vigie.supervision.states import State
from vigie.supervision.status import StreamState, stream_states

# A stream also waits for a moment after each start; one that waits for longer lacks something
# that this stack does not bring back.
_WAITS = 60.0
_FEW = 100
"""Unread messages that live readings alone may come to."""


def wait_until_live(stack: Stack, feeds: Sequence[str], *, timeout: float) -> list[tuple[str, str]]:
    """Wait until no stream is still on its way; returns each feed with what its stream does.

    A stream whose DAG an operator paused is not waited for.

    Raises:
        StackError: One is neither running nor held after `timeout` seconds.
    """
    paused = _paused(stack, feeds)
    began = monotonic()
    while True:
        found = stream_states(feeds)
        passed = monotonic() - began
        late = [s for s in found if not _is_settled(s, passed) and s.feed not in paused]
        if not late:
            return [(s.feed, _told(s, paused)) for s in found]
        if passed > timeout:
            message = (
                f"streams: expected running after {timeout:.0f} s, but "
                f"{'; '.join(map(_why, late))}. See `vigie status`, and the log of the stream's "
                f"DAG at http://{stack.address('airflow')}"
            )
            raise StackError(message)
        sleep(1)


def wait_until_read(feeds: Sequence[str], *, timeout: float) -> dict[str, int]:
    """Wait until the streams at work have read what waited for them; returns messages still unread.

    A backlog is no fault: what is left after `timeout` seconds drains by itself.
    """
    deadline = monotonic() + timeout
    while True:
        # The lag is known some seconds after a stream began to run; until then it is waiting.
        running = [s for s in stream_states(feeds) if s.state in (State.RUNNING, State.WAITING)]
        left = {
            s.feed: s.lag_messages
            for s in running
            if s.lag_messages is None or s.lag_messages > _FEW
        }
        if not left or monotonic() > deadline:
            return {feed: lag for feed, lag in left.items() if lag and lag > _FEW}
        sleep(1)


def _is_settled(stream: StreamState, passed: float) -> bool:
    """Whether a stream works, or only a person can let it go on."""
    # One that was never started is stopped too, until its DAG's first run wants it to run.
    held = stream.state == State.STOPPED and stream.desired == "stopped"
    lacking = stream.state == State.WAITING and passed > _WAITS
    return held or lacking or stream.state in (State.RUNNING, State.BLOCKED)


def _paused(stack: Stack, feeds: Sequence[str]) -> set[str]:
    with airflow_api.log_in(stack) as client:
        return {feed for feed in feeds if airflow_api.is_paused(client, f"stream_{feed}")}


def _told(stream: StreamState, paused: set[str]) -> str:
    if stream.feed in paused:
        return f"{stream.state} (its DAG is paused)"
    return stream.state if stream.phase == stream.state else f"{stream.state} ({stream.phase})"


def _why(stream: StreamState) -> str:
    said = stream.error.message if stream.error else stream.phase
    return f"{stream.feed} is {stream.state} ({said})"
