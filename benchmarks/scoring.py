"""What scoring costs in a driver, against `predict` alone of the same rows in the same batches.

    OMP_NUM_THREADS=1 python -m benchmarks.scoring

The real model, fitted on made-up turbines, scores batches of several sizes as the stream does, in a
transaction of an embedded PostgreSQL: features, correction, rows and COPY are told apart.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import psutil
import pyarrow as pa
import typer

from benchmarks.measure import cpu_of
from tests.services import environment, postgres_stack
from tests.unit.modelling.made_up import BEGIN, HOUR, turbines
from tests.warehouse.scoring import DELAY, MODEL, feed, scorer
from vigie.cli.output import clear_errors, print_table
from vigie.modelling.readings import Readings
from vigie.modelling.train import fit
from vigie.streaming.champion import Champion
from vigie.streaming.memory import Memory
from vigie.streaming.score import AT_ONCE
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.months import make_months

_SIZES = ((1, 1), (1, 20), (20, 1), (1, 200), (20, 20), (1, 2000), (20, 100), (20, 1000), (500, 20))
"""Turbines, and readings of each in a batch."""
_WARM_UP = 3
Cpu = Counter[str]


@clear_errors
def main(rows: Annotated[int, typer.Option(min=1, help="Readings per size.")] = 20_000) -> None:
    """Print CPU milliseconds of a batch by its parts, and the ratio to `predict` alone."""
    with (
        TemporaryDirectory(prefix="vigie-bench-") as name,
        postgres_stack(Path(name) / "state") as stack,
        environment(VIGIE_STATE=str(stack.state), **stack.settings()),
    ):
        champion = _trained()
        table = [_measure(champion, *size, rows) for size in _SIZES]
    parts = ("predict", "features", "correction", "rest", "COPY")
    print_table(("turbines", "rows", *parts, "ratio", "with COPY"), table)


def _trained() -> Champion:
    history = MODEL.dataset(turbines(6000, seed=1, sensors=1), "nox", DELAY)
    trained = fit(MODEL, history.take(np.isfinite(history.target)))
    return Champion.of("nox", 1, trained.estimator)


def _measure(champion: Champion, sensors: int, each: int, rows: int) -> tuple[object, ...]:
    count = max(min(rows // (sensors * each), 50), 5)
    cpu: Cpu = Counter()
    readings = [_readings(sensors, each, batch) for batch in range(count + _WARM_UP)]
    _score(champion, readings, cpu)
    told = {part: cpu[part] / count * 1000 for part in cpu}
    told["rest"] = told["score"] - told["asked"] - told["features"] - told["correction"]
    parts = [told[part] for part in ("predict", "features", "correction", "rest", "COPY")]
    with_copy = told["score"] + told["COPY"]
    ratios = [f"{cost / told['predict']:.2f}" for cost in (told["score"], with_copy)]
    return (sensors, sensors * each, *(f"{part:.2f}" for part in parts), *ratios)


def _score(champion: Champion, readings: list[Readings], cpu: Cpu) -> None:
    """Score as the stream does, each batch followed by `predict` alone, and undo it."""
    of, warehouse, session = feed(), open_warehouse(), open_warehouse().open_session()
    backend = psutil.Process(session.identify().session_id)
    predictions, memory = feed_tables(of).prediction, Memory()
    assert predictions is not None
    make_months(
        warehouse, of, {day for one in readings for day in one.times.astype("M8[D]").tolist()}
    )
    correction = MODEL.correction(DELAY)
    memory.recall.correction = correction
    correction.preview = _timed(correction.preview, "correction", cpu)
    found = replace(
        champion,
        model=_Timed(champion.model, "features", "features", cpu),
        estimator=_Timed(champion.estimator, "predict", "asked", cpu),
    )
    scoring, before = scorer(lambda: found), {}
    for number, one in enumerate(readings):
        if number == _WARM_UP:
            cpu.clear()
        stored = _stored(one)
        began = time.process_time()
        scored = scoring.score(session, stored, memory)
        cpu["score"] += time.process_time() - began
        began = time.process_time() + cpu_of(backend)
        session.append(predictions, scored.rows)
        cpu["COPY"] += time.process_time() + cpu_of(backend) - began
        scored.remember(memory)
        times = stored["event_time"].cast(pa.int64()).to_numpy()
        memory.advance(stored["sensor_id"].to_numpy(), times)
        features, before = champion.model.features(before, one)
        began = time.process_time()
        for begin in range(0, len(features), AT_ONCE):
            champion.estimator.predict(features[begin : begin + AT_ONCE])
        cpu["predict"] += time.process_time() - began
    session.rollback()
    session.close()


def _readings(sensors: int, each: int, batch: int) -> Readings:
    """The next hours of each turbine, turbine by turbine."""
    values = turbines(sensors * each, seed=batch).values
    names = np.repeat([f"turbine-{number}" for number in range(sensors)], each)
    times = np.tile(BEGIN + (batch * each + np.arange(each)) * HOUR, sensors)
    return Readings(names, times, values)


def _stored(readings: Readings) -> pa.Table:
    """As a batch has them, in the columns that scoring needs."""
    numbers = np.unique(readings.sensors, return_inverse=True)[1].astype(np.int32) + 1
    times = pa.array(readings.times.astype("M8[us]"), pa.timestamp("us", tz="UTC"))
    columns = {
        "sensor": pa.array(readings.sensors),
        "sensor_id": pa.array(numbers),
        "event_time": times,
        "batch_no": pa.array(np.ones(len(readings), np.int64)),
    }
    fields = {name: pa.array(one, from_pandas=True) for name, one in readings.values.items()}
    return pa.table(columns | fields)


class _Timed:
    """Something else, one of whose methods is timed."""

    def __init__(self, of: Any, method: str, part: str, cpu: Cpu) -> None:
        self._of, self._method, self._part, self._cpu = of, method, part, cpu

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        return _timed(found, self._part, self._cpu) if name == self._method else found


def _timed(call: Callable[..., Any], part: str, cpu: Cpu) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        began = time.process_time()
        try:
            return call(*arguments)
        finally:
            cpu[part] += time.process_time() - began

    return timed


if __name__ == "__main__":
    typer.run(main)
