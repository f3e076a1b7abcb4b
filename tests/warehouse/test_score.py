"""What the stream predicts is what the backtest predicts, whatever happens to its driver."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression
from sqlalchemy import Engine, delete, func, select, text, update

from tests.dialects import both_dialects, only_postgres
from tests.unit.modelling.made_up import BEGIN
from tests.warehouse.scoring import (
    Stream,
    as_split,
    backtested,
    champion,
    cut,
    distinct,
    feed,
    keys,
)
from vigie.modelling.nox import INPUTS, Nox
from vigie.modelling.readings import Readings
from vigie.restatement.cut import read_cut
from vigie.restatement.record import Restated, Why
from vigie.restatement.restate import restate_judged
from vigie.streaming.champion import Champion
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import TransientError
from vigie.warehouse.unscored import Unscored

pytestmark = [pytest.mark.warehouse, both_dialects]

CLOSE = {"rtol": 1e-9, "atol": 0.0}
"""The same sums in another order; a correction from the warehouse begins some hours later."""


@pytest.fixture
def streams(warehouse: Engine) -> Iterator[list[Stream]]:
    opened: list[Stream] = []
    yield opened
    for stream in opened:
        stream.store.close()


@pytest.fixture
def stream(warehouse: Engine, streams: list[Stream]) -> Stream:
    ready = champion()
    streams.append(Stream(warehouse, lambda: ready))
    return streams[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_stream_predicts_what_the_backtest_predicts(stream: Stream, seed: int) -> None:
    random = np.random.default_rng(seed)
    readings = distinct(700, seed=seed)
    batches = cut(readings, random.integers(0, len(readings), 12).tolist())
    for number, one in enumerate(batches):
        stream.send(one)
        if number % 4 == 3:
            stream.relaunch()

    np.testing.assert_allclose(stream.predicted(readings), backtested(readings), **CLOSE)
    assert stream.reasons(readings) == [None] * len(readings)
    said = stream.said().values()
    assert {row["model_version"] for row in said} == {3}
    for row in said:
        if row["actual"] is not None:
            assert row["residual"] == row["actual"] - row["predicted"]


def test_history_longer_than_what_is_read_again_gives_the_same(stream: Stream) -> None:
    readings = distinct(1500, seed=5, sensors=1)
    head, tail = cut(readings, [900])
    stream.send(head)
    stream.relaunch()
    stream.send(tail)
    np.testing.assert_allclose(stream.predicted(tail), backtested(readings)[-len(tail) :], **CLOSE)


@pytest.mark.parametrize("relaunches", [False, True])
def test_copies_and_late_readings_change_no_prediction(stream: Stream, relaunches: bool) -> None:
    readings = distinct(400, seed=11)
    random = np.random.default_rng(2)
    late: list[Readings] = []
    for one in cut(readings, [60, 61, 130, 200, 310]):
        stream.send(one)
        stream.send(one.take(random.permutation(len(one))))
        behind = one.take(slice(0, 5))
        behind = Readings(behind.sensors, behind.times - np.timedelta64(7, "m"), behind.values)
        late.append(behind.take(slice(0, 1)))
        stream.send(late[-1])
        if relaunches:
            stream.relaunch()

    np.testing.assert_allclose(stream.predicted(readings), backtested(readings), **CLOSE)
    # The very first of its sensor is not behind another.
    for one in late[1:]:
        assert stream.reasons(one) == ["late"]
    assert len(stream.said()) == len(readings) + len(late)


def test_the_order_of_arrival_decides_not_the_cuts(
    warehouse: Engine, streams: list[Stream]
) -> None:
    readings = distinct(200, seed=4, sensors=2)
    order = np.arange(len(readings))
    order[100:120] = order[100:120][::-1]
    shuffled = readings.take(order)
    ready = champion()
    stream = Stream(warehouse, lambda: ready)
    streams.append(stream)
    stream.send(shuffled)
    whole = stream.predicted(readings)
    reasons = stream.reasons(readings)
    assert "late" in reasons
    with warehouse.begin() as connection:
        for table in ("nox_prediction", "gas_turbine_reading", "gas_turbine_pane"):
            connection.execute(text(f"DELETE FROM fact.{table}"))
        for table in ("fence", "launch_session", "launch", "sensor_clock", "ledger", "day_count"):
            connection.execute(text(f"DELETE FROM ops.{table}"))
    again = Stream(warehouse, lambda: ready)
    streams.append(again)
    again.send(*cut(shuffled, range(90, 130)))

    assert again.reasons(readings) == reasons
    np.testing.assert_allclose(again.predicted(readings), whole, **CLOSE)


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_transaction_that_is_repeated_is_remembered_once(
    stream: Stream, takes_effect: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = distinct(300, seed=21)
    head, middle, tail = cut(readings, [100, 200])
    stream.send(head)
    session = stream.store.open()
    really = session.commit

    def commit() -> None:
        if takes_effect:
            really()
        raise TransientError("the connection broke at the commit")

    monkeypatch.setattr(session, "commit", commit)
    stream.send(middle, tail)

    np.testing.assert_allclose(stream.predicted(readings), backtested(readings), **CLOSE)


def test_a_reading_removed_behind_our_back_may_come_again(
    warehouse: Engine, stream: Stream
) -> None:
    readings = distinct(60, seed=9)
    stream.send(readings)
    reading = feed_tables(feed()).reading
    with warehouse.begin() as connection:
        connection.execute(delete(reading).where(reading.c.kafka_offset >= 40))
    stream.send(readings)
    assert len(stream.said()) == len(readings)
    assert set(stream.reasons(readings.take(slice(40, None)))) == {"late"}


@pytest.mark.parametrize("why", [w for w in Unscored if w < Unscored.WRONG_FEATURES])
def test_without_a_model_readings_have_a_reason_and_go_on_when_it_is_there(
    warehouse: Engine, streams: list[Stream], why: Unscored
) -> None:
    found: list[Champion | Unscored] = [why]
    stream = Stream(warehouse, lambda: found[0])
    streams.append(stream)
    readings = distinct(200, seed=13)
    before, after = cut(readings, [100])
    stream.send(before)
    found[0] = champion()
    stream.send(after)

    assert stream.reasons(before) == ["no model"] * len(before)
    assert [row["reason"] for row in stream.said().values()].count(why.words) == len(before)
    # The features know the readings from before; the correction knows no error of theirs.
    labels = np.where(readings.times < after.times[0], np.nan, readings.values["nox"])
    unlabelled = Readings(readings.sensors, readings.times, readings.values | {"nox": labels})
    expected = backtested(unlabelled)[len(before) :]
    np.testing.assert_allclose(stream.predicted(after), expected, **CLOSE)


FEATURES = 41


class Estimator:
    """One that does as the test says."""

    def __init__(self, features: int, says: Any) -> None:
        self.n_features_in_, self._says = features, says

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self._says(features)


def failing(_: np.ndarray) -> np.ndarray:
    raise ValueError("no")


def test_a_model_whose_input_the_contract_lacks_is_not_asked(
    warehouse: Engine, streams: list[Stream]
) -> None:
    class Other(Nox):
        inputs = (*INPUTS, "steam")

    ready = replace(champion(), model=Other())
    stream = Stream(warehouse, lambda: ready)
    streams.append(stream)
    readings = distinct(20, seed=1)
    stream.send(readings)
    assert stream.reasons(readings) == ["wrong features"] * len(readings)


def test_a_model_that_raises_fails_no_batch_and_is_logged_once(
    warehouse: Engine, streams: list[Stream], caplog: pytest.LogCaptureFixture
) -> None:
    ready: list[Champion] = [Champion.of("nox", 4, Estimator(FEATURES, failing))]
    stream = Stream(warehouse, lambda: ready[0])
    streams.append(stream)
    readings = distinct(90, seed=1)
    first, second, third = cut(readings, [30, 60])
    with caplog.at_level(logging.ERROR):
        stream.send(first, second)
    assert {*stream.reasons(first), *stream.reasons(second)} <= {"failed", "missing input"}
    assert [r.name for r in caplog.records].count("vigie.streaming.score") == 1

    ready[0] = Champion.of("nox", 5, Estimator(FEATURES, lambda rows: np.full(len(rows), np.inf)))
    stream.send(third)
    assert stream.reasons(third) == ["failed"] * len(third)
    assert {row["model_version"] for row in stream.said().values()} == {4, 5}


def test_a_model_that_cannot_do_with_a_missing_input_scores_the_others(
    warehouse: Engine, streams: list[Stream]
) -> None:
    random = np.random.default_rng(0)
    line = LinearRegression().fit(random.normal(size=(50, FEATURES)), random.normal(size=50))
    ready = Champion.of("nox", 1, line)
    stream = Stream(warehouse, lambda: ready)
    streams.append(stream)
    readings = distinct(200, seed=3, sensors=1)
    stream.send(readings)
    reasons = stream.reasons(readings)
    assert {*reasons} == {None, "missing input"}
    complete = np.array([reason is None for reason in reasons])
    missing = np.isnan(readings.values["tit"])
    assert not (complete & missing).any()


def test_values_beyond_single_precision_fail_no_model(
    warehouse: Engine, streams: list[Stream]
) -> None:
    of = feed()
    fields = {name: replace(one, valid=None) for name, one in of.fields.items()}
    ready = champion()
    stream = Stream(warehouse, lambda: ready, replace(of, fields=fields))
    streams.append(stream)
    readings = distinct(40, seed=3)
    readings.values["tit"][::2] = 1e149
    readings.values["cdp"][::3] = -1e39
    stream.send(readings)
    assert {*stream.reasons(readings)} == {None}
    assert np.isfinite(stream.predicted(readings)).all()


def test_a_champion_is_swapped_between_batches(warehouse: Engine, streams: list[Stream]) -> None:
    ready = [champion(1, seed=7)]
    stream = Stream(warehouse, lambda: ready[0])
    streams.append(stream)
    readings = distinct(100, seed=31)
    first, second = cut(readings, [50])
    stream.send(first)
    ready[0] = champion(2, seed=8)
    stream.send(second)
    said = stream.said()
    versions = [said[key]["model_version"] for key in sorted(said, key=lambda key: key[1])]
    assert sorted(versions) == versions
    assert {*versions} == {1, 2}


def test_a_batch_larger_than_is_predicted_at_once(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigie.streaming.score.AT_ONCE", 64)
    readings = distinct(300, seed=41)
    stream.send(readings)
    np.testing.assert_allclose(stream.predicted(readings), backtested(readings), **CLOSE)


def test_the_reader_sees_predictions_and_their_reasons(warehouse: Engine, stream: Stream) -> None:
    readings = distinct(30, seed=2)
    stream.send(readings)
    with get_engine("reader").connect() as connection:
        found = connection.execute(text("SELECT count(predicted) FROM report.nox_prediction"))
        assert found.scalar_one() == len(readings)


@only_postgres
def test_a_prediction_lies_in_its_readings_month(warehouse: Engine, stream: Stream) -> None:
    readings = distinct(200, seed=6)
    spread = readings.times + np.arange(len(readings)) * np.timedelta64(1, "D")
    stream.send(Readings(readings.sensors, spread, readings.values))
    months = {str(at)[:7].replace("-", "") for at in spread}
    with warehouse.connect() as connection:
        for month in months:
            table = text(f"SELECT count(*) FROM fact.nox_prediction_{month}")
            assert connection.execute(table).scalar_one() > 0


def test_a_prediction_stays_with_its_reading_and_goes_with_it(
    warehouse: Engine, stream: Stream
) -> None:
    hourly = distinct(60, seed=8)
    minutes = BEGIN + (hourly.times - BEGIN) // 60
    readings = Readings(hourly.sensors, minutes, hourly.values)
    stream.send(readings)
    before = stream.said()
    judged = as_judged(readings)
    reading = feed_tables(feed()).reading
    with warehouse.begin() as connection:
        offset = reading.c.kafka_offset
        connection.execute(delete(reading).where(offset % 5 == 0))
        connection.execute(update(reading).where(offset % 5 == 1).values(at=None, tit=1.0))

    done = restate(warehouse, judged)

    after, place = stream.said(), {key: n for n, key in enumerate(keys(readings))}
    assert (done.came, done.went) == ((np.arange(len(readings)) % 5 == 0).sum(), 0)
    assert done.changed > 0
    for key, said in before.items():
        if place[key] % 5 > 1:
            assert after[key] == said
        else:
            assert after[key]["reason"] == Unscored.RESTATED.words
            assert after[key]["predicted"] is None

    failed = np.arange(len(readings)) % 3 == 0
    fault = pa.array(np.zeros(len(readings), np.int32), mask=~failed)
    judged = judged.set_column(judged.column_names.index("fault"), "fault", fault)
    assert restate(warehouse, judged).went == failed.sum()
    assert stream.said().keys() == {key for key, n in place.items() if not failed[n]}
    prediction = feed_tables(feed()).prediction
    with warehouse.connect() as connection:
        query = select(func.count()).select_from(prediction)
        assert connection.scalar(query) == (~failed).sum()


def as_judged(readings: Readings) -> pa.Table:
    """What a restatement reads of the lake, had Spark found no fault."""
    table = as_split(readings).accepted
    rows = table.num_rows
    return (
        table.append_column("topic_id", pa.repeat(pa.scalar("topic"), rows))
        .append_column("fault", pa.nulls(rows, pa.int32()))
        .append_column("raw", pa.nulls(rows, pa.binary()))
        .append_column("raw_length", pa.nulls(rows, pa.int32()))
        .append_column("raw_sha256", pa.nulls(rows, pa.string()))
    )


def restate(engine: Engine, judged: pa.Table) -> Restated:
    day = BEGIN.astype("datetime64[D]").item()
    return restate_judged(engine, feed(), day, judged, read_cut(engine, feed()), Why("tests"))


def test_an_error_outside_of_the_estimator_fails_no_batch(
    warehouse: Engine, streams: list[Stream], caplog: pytest.LogCaptureFixture
) -> None:
    class Other(Nox):
        def features(self, memory: Any, readings: Readings) -> Any:
            raise RuntimeError("no")

    broken, ready = replace(champion(), model=Other()), champion(4)
    found = [broken]
    stream = Stream(warehouse, lambda: found[0])
    streams.append(stream)
    readings = distinct(120, seed=1)
    first, second, third = cut(readings, [40, 80])
    stream.send(first, second)
    assert stream.reasons(first) == ["failed"] * len(first)
    assert [r.name for r in caplog.records].count("vigie.streaming.score") == 1

    found[0] = ready
    stream.send(third)
    assert stream.reasons(third) == [None] * len(third)
