"""What `vigie stream status` and the Streams page say of a stream."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, insert, update

from tests.dialects import mssql_in_campaign
from tests.warehouse.streams import change_launch, heartbeat, look
from vigie.supervision.states import State
from vigie.supervision.status import stream_states
from vigie.warehouse.core import ledger, watch

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]


def test_the_status_of_a_running_stream(engine, feed, master, running) -> None:
    heartbeat(engine, feed, 1, lag_messages=12, lag_seconds=1.5)
    row = {"feed": feed, "topic_id": "t", "kafka_partition": 0, "launch": 1, "messages_read": 5}
    counts = {"stored": 5, "copies": 0, "conflicts": 0, "quarantined": 0, "control": 0}
    times = [look(engine, feed).now.replace(microsecond=0, year=year) for year in (2024, 2025)]
    with engine.begin() as connection:
        for batch, moment in enumerate(times):
            offsets = {"begin_offset": 5 * batch, "end_offset": 5 * batch + 5, "batch_no": batch}
            connection.execute(
                insert(ledger).values(row | counts | offsets | {"committed_at": moment})
            )
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert look(engine, feed).now - state.watched_at < timedelta(seconds=30)
    assert state.as_json() == {
        "watched_at": state.watched_at,
        "contract_differs": False,
        "contract_fault": None,
        "feed": feed,
        "desired": "running",
        "changed_by": "somebody",
        "changed_at": state.changed_at,
        "state": "running",
        "supervised": True,
        "lag_messages": 12,
        "lag_seconds": 1.5,
        "last_commit": times[1],
        "launch": 1,
        "restarts": 0,
        "phase": "running",
        "error": None,
        "gaps": [],
        "model": None,
    }


@pytest.mark.parametrize(("age", "supervised"), [(29, True), (31, False)])
def test_a_stream_is_supervised_if_watched_within_30_seconds(
    engine, feed, master, running, age, supervised
) -> None:
    moment = look(engine, feed).now - timedelta(seconds=age)
    with engine.begin() as connection:
        connection.execute(update(watch).values(watched_at=moment))
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert state.supervised is supervised
    assert state.watched_at == moment


def test_the_status_of_a_dead_stream_names_the_error(engine, feed, master, running) -> None:
    change_launch(engine, feed, 1, first_commit_at=None)
    master.states["driver-1"] = "FAILED"
    running.poll()
    (state,) = stream_states([feed], engine=engine, master=master.client())
    assert (state.launch, state.restarts, state.lag_messages) == (2, 1, None)
    assert state.as_json()["error"]["class"] == "Dead"
    assert "FAILED" in state.as_json()["error"]["message"]


def test_a_warehouse_that_refuses_is_quoted_in_status_and_log(
    engine, feed, caplog: pytest.LogCaptureFixture
) -> None:
    refusing = create_engine(engine.url.set(username="nobody", password="s3cret"))
    (state,) = stream_states([feed], engine=refusing)
    assert state.state is State.UNKNOWN
    assert "nobody" in state.phase
    assert state.phase in caplog.text
    assert "s3cret" not in f"{state} {caplog.text}"
