"""What a model does between trainings: it adds part of the error it made of late."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from vigie.modelling.readings import Names, Numbers, Times

_Residual = tuple[int, float]
"""From when on it is known, in milliseconds, and its value."""
_HALVES = 64
"""What lies so many half-lives back no longer changes a mean in double precision."""


@dataclass
class _Sensor:
    """Residuals nobody may know yet, and the weighted sum of those that are known."""

    waiting: deque[_Residual] = field(default_factory=deque)
    total: float = 0.0
    weight: float = 0.0


@dataclass(slots=True)
class _Change:
    """What some rows do to a sensor: the first `taken` that wait are known now, others came.

    `first` and then `waiting` are what waits still of those that waited before these rows; of those
    that came the first `entered` are known.
    """

    total: float
    weight: float
    waiting: Iterator[_Residual]
    first: _Residual | None
    taken: int = 0
    came: list[_Residual] = field(default_factory=list)
    entered: int = 0


Changes = Mapping[str, _Change]


@dataclass
class Correction:
    """Adds `strength` times the smoothed residual of a sensor's known labels.

    The smoothed residual is an exponentially weighted mean over rows with a half-life of
    `half_life` rows. A residual enters it once its label is `delay` old, counted from the event
    time of its reading, never earlier. Rows must come in the order of event time, sensor by sensor;
    the state is per sensor and goes on from batch to batch. It can be pickled.
    """

    delay: np.timedelta64
    half_life: float
    strength: float
    sensors: dict[str, _Sensor] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """A sensor's newest so many known residuals give its state, to the last digits."""
        return math.ceil(_HALVES * self.half_life)

    def apply(self, sensors: Names, times: Times, predicted: Numbers, actual: Numbers) -> Numbers:
        """The corrected predictions; `actual` is remembered for later rows, NaN where missing."""
        corrected, changes = self.preview(sensors, times, predicted, actual)
        self.advance(changes)
        return corrected

    def preview(
        self, sensors: Names, times: Times, predicted: Numbers, actual: Numbers
    ) -> tuple[Numbers, Changes]:
        """As `apply`, but what is to be remembered waits for `advance`."""
        keep = 0.5 ** (1.0 / self.half_life)
        delay = int(self.delay / np.timedelta64(1, "ms"))
        changes: dict[str, _Change] = {}
        values = predicted.tolist()
        moments = times.astype("datetime64[ms]").astype(np.int64).tolist()
        columns = (sensors.tolist(), moments, values, actual.tolist())
        for row, (sensor, at, value, label) in enumerate(zip(*columns, strict=True)):
            change = changes.get(sensor)
            if change is None:
                change = changes[sensor] = self._begin(sensor)
            _learn(change, at, keep)
            if change.weight:
                values[row] = value + self.strength * change.total / change.weight
            residual = label - value
            if math.isfinite(residual):
                change.came.append((at + delay, residual))
        return np.array(values, dtype=np.float64), changes

    def advance(self, changes: Changes) -> None:
        """Remember what a preview found; nothing may have been remembered since."""
        for name, change in changes.items():
            state = self.sensors.setdefault(name, _Sensor())
            for _ in range(change.taken):
                state.waiting.popleft()
            state.waiting.extend(change.came[change.entered :])
            state.total, state.weight = change.total, change.weight

    def restore(self, sensor: str, times: Times, predicted: Numbers, actual: Numbers) -> None:
        """Begin a sensor anew from its newest rows: `depth` of known labels, and all later."""
        self.sensors[sensor] = _Sensor()
        self.apply(np.full(len(times), sensor), times, predicted, actual)

    def _begin(self, sensor: str) -> _Change:
        state = self.sensors.get(sensor)
        if state is None:
            return _Change(0.0, 0.0, iter(()), None)
        waiting = iter(state.waiting)
        return _Change(state.total, state.weight, waiting, next(waiting, None))


def _learn(change: _Change, now: int, keep: float) -> None:
    """Let the residuals known at `now` enter, first those that waited before these rows."""
    while change.first is not None and change.first[0] <= now:
        _enter(change, change.first[1], keep)
        change.taken += 1
        change.first = next(change.waiting, None)
    if change.first is None:
        while change.entered < len(change.came) and change.came[change.entered][0] <= now:
            _enter(change, change.came[change.entered][1], keep)
            change.entered += 1


def _enter(change: _Change, residual: float, keep: float) -> None:
    change.total = keep * change.total + residual
    change.weight = keep * change.weight + 1.0
