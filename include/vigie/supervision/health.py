"""Judges a stream's state from what the warehouse and the Spark master say; touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vigie.supervision.backoff import due_at
from vigie.supervision.master import DriverState
from vigie.supervision.states import State
from vigie.supervision.view import Beat, Launch, View


@dataclass(frozen=True)
class Times:
    """How long each silence is borne."""

    heartbeat: timedelta = timedelta(seconds=15)
    stall: timedelta = timedelta(seconds=60)
    submit: timedelta = timedelta(seconds=30)
    capacity: timedelta = timedelta(seconds=20)
    claim: timedelta = timedelta(seconds=90)
    stop: timedelta = timedelta(seconds=60)


TIMES = Times()


@dataclass(frozen=True)
class Health:
    """A state, what the driver does or why it is so, and whether a stop took too long."""

    state: State
    phase: str
    overdue: bool = False

    def __str__(self) -> str:
        return self.state if self.phase == self.state else f"{self.state} ({self.phase})"


def judge(
    view: View,
    *,
    driver: DriverState | None,
    since: datetime,
    level_at: datetime | None = None,
    times: Times = TIMES,
) -> Health:
    """Judge a stream.

    `driver` is None when the master did not answer. No silence before `since` counts: it is the
    moment from which the warehouse answered without a break and the driver had a worker. No lack
    of progress before `level_at` counts: then the stream was last seen with nothing to do, or
    without a broker.
    """
    launch = view.launch
    if launch is None:
        return _not_launched(view)
    if launch.ended_at is not None:
        return _ended(view, launch)
    loss = _loss(view, launch, driver=driver, since=since, times=times)
    if loss:
        return Health(State.DEAD, loss)
    asked = _asked_at(view, launch)
    if asked is not None:
        return Health(
            State.STOPPING, _phase(view), overdue=view.now - max(asked, since) > times.stop
        )
    if view.beat is None or launch.claimed_at is None:
        return _starting(view, launch, driver=driver, times=times)
    return _alive(view, view.beat, since=max(since, level_at or since), times=times)


def is_blocked(view: View, launch: Launch) -> bool:
    """An ended launch met a gap and nobody has answered it.

    The answer is an accepted gap or a recorded restart, and no gap left open.
    """
    if launch.outcome != "blocked":
        return False
    accepted = view.gap_accepted_at is not None and view.gap_accepted_at >= launch.created_at
    return view.open_gaps > 0 or not (accepted or view.requested_at is not None)


def _not_launched(view: View) -> Health:
    if view.desired == "running":
        return Health(State.STARTING, "the first launch is due")
    return Health(State.STOPPED, "stopped" if view.desired else "never started")


def _ended(view: View, launch: Launch) -> Health:
    if view.desired != "running":
        return Health(State.STOPPED, f"launch {launch.launch} ended: {launch.outcome}")
    if is_blocked(view, launch):
        return Health(State.BLOCKED, f"{view.open_gaps} gap(s) to accept")
    if launch.outcome in ("stopped", "blocked") or view.requested_at is not None:
        return Health(State.STARTING, "the next launch is due")
    due = f"the next is due at {_clock(due_at(view))}"
    return Health(State.DEAD, f"launch {launch.launch} ended: {launch.outcome}; {due}")


def _loss(
    view: View, launch: Launch, *, driver: DriverState | None, since: datetime, times: Times
) -> str:
    """Why the driver is taken for lost; empty if it is not."""
    if driver is not None and driver.ended:
        return f"the Spark master reports its driver {driver}"
    if launch.claimed_at is not None:
        heard = view.beat.beat_at if view.beat else launch.claimed_at
        silent = view.now - max(heard, since) > times.heartbeat
        return f"no heartbeat since {_clock(heard)}" if silent else ""
    if launch.submitted_at is None:
        alone = view.now - max(launch.created_at, since)
        return "it was never submitted" if alone > times.submit else ""
    unclaimed = view.now - max(launch.submitted_at, since) > times.claim
    if unclaimed and driver != DriverState.SUBMITTED:
        return f"its driver, submitted at {_clock(launch.submitted_at)}, never claimed it"
    return ""


def _asked_at(view: View, launch: Launch) -> datetime | None:
    """When this launch was asked to end; a stop may be older than the launch."""
    stopped_at = view.changed_at if view.desired == "stopped" else None
    moments = [moment for moment in (view.requested_at, stopped_at) if moment is not None]
    return max(min(moments), launch.created_at) if moments else None


def _starting(view: View, launch: Launch, *, driver: DriverState | None, times: Times) -> Health:
    if driver == DriverState.SUBMITTED and launch.submitted_at is not None:
        queued = view.now - launch.submitted_at
        if queued > times.capacity:
            return Health(State.STARTING, "no capacity: no Spark worker has room for the driver")
    return Health(State.STARTING, _phase(view))


def _alive(view: View, beat: Beat, *, since: datetime, times: Times) -> Health:
    if beat.phase == "blocked":
        return Health(State.BLOCKED, beat.phase)
    if _is_stalled(view, beat, since=since, times=times):
        return Health(State.STALLED, f"{beat.phase}, no progress since {_clock(beat.progress_at)}")
    if beat.phase.startswith("waiting"):
        return Health(State.WAITING, beat.phase)
    if beat.phase == "running" and beat.lag_messages is None:
        return Health(State.WAITING, "waiting for the broker")
    states = {"starting": State.STARTING, "stopping": State.STOPPING}
    return Health(states.get(beat.phase, State.RUNNING), beat.phase)


def _is_stalled(view: View, beat: Beat, *, since: datetime, times: Times) -> bool:
    """Behind, and for long neither level nor a step further.

    Progress alone would not do: a stream without readings makes none for hours, and is not
    stalled by the first that comes.
    """
    level_at = beat.beat_at - timedelta(seconds=beat.lag_seconds or 0)
    last = max(beat.progress_at, level_at, since)
    return bool(beat.lag_messages) and view.now - last > times.stall


def _phase(view: View) -> str:
    return view.beat.phase if view.beat else "starting"


def _clock(moment: datetime) -> str:
    """A time of day for people; a phase names a moment, not an age, so that it stays the same."""
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"
