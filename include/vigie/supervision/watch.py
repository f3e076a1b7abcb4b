"""Watching one stream: look, decide, act. Safe when two watchers do it at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from vigie.contract.loader import get_feed
from vigie.errors import MasterAway, SubmissionFailed, first_line
from vigie.supervision import launches
from vigie.supervision.decide import Close, Relaunch, decide
from vigie.supervision.driver import submission_request
from vigie.supervision.failure import Failure, last_failure
from vigie.supervision.health import TIMES, Health, Times, judge
from vigie.supervision.housekeeping import remove_old_folders
from vigie.supervision.master import DriverState, SparkMaster
from vigie.supervision.observe import observe
from vigie.supervision.output import last_words
from vigie.supervision.states import State
from vigie.supervision.turn import AT_ONCE, has_turn
from vigie.supervision.view import View
from vigie.supervision.watched import mark_watched
from vigie.warehouse.engines import get_engine

# Well below the age at which a stream counts as unsupervised, and far above the time of a poll.
_MARK_EVERY = timedelta(seconds=10)
# Polls further apart mean that the machine or the warehouse stood still, and drivers with it.
_LONGEST_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True)
class Sight:
    """What one poll saw (before it acted) and did; the failure is that of the last ended launch."""

    health: Health
    launch: int | None = None
    done: tuple[str, ...] = ()
    failure: Failure | None = None

    def __str__(self) -> str:
        return "; ".join((f"launch {self.launch or 'none'}: {self.health}", *self.done))


class Watcher:
    """Watches one feed's stream and relaunches it; keeps only what a later poll may forget."""

    def __init__(
        self,
        feed: str,
        *,
        engine: Engine | None = None,
        master: SparkMaster | None = None,
        times: Times = TIMES,
    ) -> None:
        self.feed = feed
        self._engine = engine or get_engine()
        self._master = master or SparkMaster()
        self._times = times
        self._since: datetime | None = None
        self._level_at: datetime | None = None
        self._marked: datetime | None = None
        self._seen: datetime | None = None

    def poll(self) -> Sight:
        """Look once and do what is due; at most one launch is closed and one started.

        An away warehouse or master is a sight, not an error: nothing is done and the silence
        that it caused is not held against the driver.

        Raises:
            ContractError: A launch is due and the feed's contract is wrong.
        """
        done: list[str] = []
        try:
            sight = self._look_and_act(done)
        except SQLAlchemyError as error:
            self._since = self._marked = None
            reason = f"the warehouse does not answer: {first_line(error)}"
            return Sight(Health(State.UNKNOWN, reason), done=tuple(done))
        return sight

    def _look_and_act(self, done: list[str]) -> Sight:
        view, health = self._look()
        first = health
        try:
            action = decide(view, health)
            if isinstance(action, Close):
                done.append(self._close(action, health))
                view, health = self._look()
                action = decide(view, health)
            if isinstance(action, Relaunch):
                done.append(self._relaunch(action.after))
        except MasterAway as error:
            done.append(str(error))
        number = view.launch.launch if view.launch else None
        return Sight(first, launch=number, done=tuple(done), failure=self._failure(first))

    def _look(self) -> tuple[View, Health]:
        with self._engine.begin() as connection:
            view, driver = observe(connection, self._master, self.feed)
            if self._marked is None or view.now - self._marked > _MARK_EVERY:
                mark_watched(connection, self.feed)
                self._marked = view.now
        paused = self._seen is not None and view.now - self._seen > _LONGEST_PAUSE
        if self._since is None or paused or driver == DriverState.SUBMITTED:
            self._since = view.now
        self._seen = view.now
        if view.beat is None or not view.beat.lag_messages:
            self._level_at = view.now
        health = judge(
            view, driver=driver, since=self._since, level_at=self._level_at, times=self._times
        )
        return view, health

    def _close(self, action: Close, health: Health) -> str:
        submission = self._end(action.launch)
        tail = last_words(submission) if submission else ""
        name = action.outcome.capitalize()
        failure = Failure(action.launch, name, health.phase, tail)
        if not launches.close(self._engine, self.feed, outcome=action.outcome, failure=failure):
            return f"launch {action.launch} had ended by itself"
        return f"closed launch {action.launch} as {action.outcome}: {health.phase}"

    def _relaunch(self, after: int) -> str:
        feed = get_feed(self.feed)
        with self._engine.connect() as connection:
            if not has_turn(connection, self.feed):
                return f"waits for its turn: {AT_ONCE} other streams start or wait longer"
        self._master.require()
        self._end(after)
        number = launches.relaunch(self._engine, feed, after=after)
        if number is None:
            return "somebody else launched first; adopted, or waiting for its turn"
        try:
            submission = self._master.submit(submission_request(self.feed, number))
        except SubmissionFailed as error:
            failure = Failure(number, type(error).__name__, str(error))
            launches.close(self._engine, self.feed, outcome="failed", failure=failure)
            return str(error)
        launches.record_submission(self._engine, self.feed, number, submission=submission)
        remove_old_folders(self._engine, self.feed)
        return f"launched {number} as {submission}"

    def _end(self, number: int) -> str | None:
        """Kill what may live of a launch: its driver, then its database sessions."""
        submission = launches.submission_of(self._engine, self.feed, number)
        if submission is not None:
            self._master.kill(submission)
        launches.end_launch_sessions(self._engine, self.feed, up_to=number)
        return submission

    def _failure(self, health: Health) -> Failure | None:
        if health.state not in (State.DEAD, State.BLOCKED, State.STOPPED, State.STARTING):
            return None
        with self._engine.connect() as connection:
            return last_failure(connection, self.feed)
