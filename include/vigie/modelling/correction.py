"""What a model does between trainings: it adds part of the error it made of late."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from vigie.modelling.readings import Names, Numbers, Times


@dataclass
class _Sensor:
    """Residuals nobody may know yet, and the weighted sum of those that are known."""

    waiting: deque[tuple[np.datetime64, float]] = field(default_factory=deque)
    total: float = 0.0
    weight: float = 0.0


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

    def apply(self, sensors: Names, times: Times, predicted: Numbers, actual: Numbers) -> Numbers:
        """The corrected predictions; `actual` is remembered for later rows, NaN where missing."""
        corrected = predicted.copy()
        columns = (sensors.tolist(), times, predicted.tolist(), actual.tolist())
        for row, (sensor, at, value, label) in enumerate(zip(*columns, strict=True)):
            state = self.sensors.setdefault(sensor, _Sensor())
            self._learn(state, at)
            if state.weight:
                corrected[row] += self.strength * state.total / state.weight
            if np.isfinite(label):
                state.waiting.append((at + self.delay, label - value))
        return corrected

    def _learn(self, state: _Sensor, now: np.datetime64) -> None:
        keep = 0.5 ** (1.0 / self.half_life)
        while state.waiting and state.waiting[0][0] <= now:
            _, residual = state.waiting.popleft()
            state.total = keep * state.total + residual
            state.weight = keep * state.weight + 1.0
