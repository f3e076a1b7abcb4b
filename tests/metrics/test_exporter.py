"""The exporter against a real warehouse; broker and Airflow are away, which is part of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic, time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, Engine, Table, delete, event, insert, select, update
from starlette.testclient import TestClient

from tests.dialects import both_dialects
from tests.services import environment
from tests.warehouse.streams import change_launch, claim, heartbeat, insert_gap
from vigie.contract.loader import load_feeds
from vigie.metrics.app import create_app
from vigie.metrics.catalogue import FAMILIES
from vigie.metrics.ledger import LedgerSums
from vigie.metrics.operations import Operations
from vigie.metrics.sizes import Sizes
from vigie.metrics.sources import Panel, Sample, Source
from vigie.metrics.streams import Streams
from vigie.supervision.desire import set_desired
from vigie.supervision.launches import relaunch
from vigie.supervision.status import stream_states
from vigie.warehouse import core
from vigie.warehouse.core import model_check, model_error, model_event, model_version
from vigie.warehouse.fold import fold_ledger

pytestmark = pytest.mark.warehouse
FEEDS = list(load_feeds())
FEED = FEEDS[0]
COUNTS = {"messages_read": 10, "stored": 6, "copies": 2, "conflicts": 1, "quarantined": 1}


def commit(engine: Engine, feed: str, number: int, *, ago: timedelta = timedelta()) -> None:
    """What a batch of ten messages in each of two partitions leaves in fence and ledger."""
    rows = [
        {
            **{"feed": feed, "topic_id": "T", "kafka_partition": part, "launch": 1, "control": 0},
            **{"begin_offset": 10 * number, "end_offset": 10 * number + 10, "batch_no": number},
            **COUNTS,
            "committed_at": datetime.now(UTC) - ago,
        }
        for part in (0, 1)
    ]
    t = core.fence.c
    with engine.begin() as connection:
        mine = update(core.fence).where(t.feed == feed).values(batch_no=number)
        if not connection.execute(mine).rowcount:
            row = {"feed": feed, "launch": 1, "token": "mine", "batch_no": number}
            connection.execute(insert(core.fence).values(row))
        connection.execute(insert(core.ledger), rows)


def samples(engine: Engine, sums: LedgerSums) -> dict[tuple[str, ...], float]:
    found = Streams(engine, sums).read()
    return {(s.name.removeprefix("vigie_stream_"), *s.labels): s.value for s in found}


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are run inside."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@both_dialects
def test_counters_are_the_ledgers_sums_and_never_go_back(warehouse: Engine) -> None:
    sums = LedgerSums()
    for number in range(40):
        commit(warehouse, FEED, number, ago=timedelta(days=11, hours=-3 * number))
    commit(warehouse, FEEDS[1], 7)
    before = samples(warehouse, sums)
    assert before["messages_read_total", FEED] == 2 * 40 * COUNTS["messages_read"]
    assert before["messages_read_total", FEEDS[1]] == 2 * COUNTS["messages_read"]

    assert fold_ledger(warehouse, FEED) > 0
    assert samples(warehouse, sums) == pytest.approx(before), "folding is no event"

    commit(warehouse, FEED, 40)
    after = samples(warehouse, sums)
    for column, name in {"stored": "readings_stored", "quarantined": "quarantined"}.items():
        gained = after[f"{name}_total", FEED] - before[f"{name}_total", FEED]
        assert gained == 2 * COUNTS[column]
    assert after == pytest.approx(samples(warehouse, LedgerSums())), "as one that starts now"


def test_an_older_warehouse_is_counted_anew(warehouse: Engine) -> None:
    sums = LedgerSums()
    commit(warehouse, FEED, 8)
    commit(warehouse, FEED, 9)
    assert samples(warehouse, sums)["messages_read_total", FEED] == 40
    t = core.ledger.c
    with warehouse.begin() as connection:
        connection.execute(delete(core.ledger).where(t.batch_no == 9))
        connection.execute(update(core.fence).values(batch_no=8))
    assert samples(warehouse, sums)["messages_read_total", FEED] == 20


@both_dialects
def test_states_and_lag_are_those_of_vigie_status(warehouse: Engine) -> None:
    running, silent, gone = FEEDS[:3]
    for feed in (running, silent, gone):
        set_desired(warehouse, feed, "running", person="test")
        number = relaunch(warehouse, load_feeds()[feed], after=0)
        assert number is not None
        claim(warehouse, feed, number)
        change_launch(warehouse, feed, number, first_commit_at=datetime.now(UTC))
        heartbeat(warehouse, feed, number, lag_messages=5, age=0 if feed == running else 60)
    insert_gap(warehouse, gone)
    found = samples(warehouse, LedgerSums())
    for told in stream_states(FEEDS):
        states = {key[2]: value for key, value in found.items() if key[:2] == ("state", told.feed)}
        assert sum(states.values()) == states[str(told.state)] == 1
        assert found["desired_running", told.feed] == (told.desired == "running")
        assert found["open_gaps", told.feed] == len(told.gaps)
        assert found["launches_total", told.feed] == (told.launch or 0)
        assert found.get(("lag_messages", told.feed)) == told.lag_messages
    assert found["lag_messages", running] == 5


def test_more_feeds_are_not_more_queries(warehouse: Engine) -> None:
    def asked() -> list[int]:
        numbers = []
        for read in (Streams(warehouse, LedgerSums()).read, Operations(warehouse).read):
            with counted(warehouse) as statements:
                list(read())
            numbers.append(len(statements))
        return numbers

    for feed in FEEDS:
        commit(warehouse, feed, 1)
    models = [feed for feed in load_feeds().values() if feed.model]
    streams, operations = asked()
    assert streams <= 6
    assert operations <= 12 + 2 * len(models)


def fill(connection: Connection) -> None:
    """A row in each table that the jobs write, as after some days of work."""
    now, day = datetime.now(UTC), datetime.now(UTC).date()
    topic = {"feed": FEED, "topic_id": "T", "kafka_partition": 0}
    model, trained = {"model": "nox"}, {"trained_begin": now, "trained_end": now}
    rule = {"feed": FEED, "rule": "r", "severity": "warning", "field": "f"}
    connection.execute(insert(core.rule), rule)
    connection.execute(insert(core.sensor), {"feed": FEED, "sensor": "s"})
    flagged = {"rule_id": connection.scalar(select(core.rule.c.rule_id).limit(1))}
    flagged["sensor_id"] = connection.scalar(select(core.sensor.c.sensor_id).limit(1))
    zero = dict.fromkeys(
        ("cut_batch_no", "records", "came", "went", "changed", "alerts_came", "alerts_went"), 0
    ) | dict.fromkeys(("quarantined", "released", "left_over"), 0)
    counts = dict.fromkeys(("gap_offsets", "overlap_offsets", "control"), 0) | COUNTS
    sizes = {
        f"{n}_{w}": 1 for n in ("rows", "groups", "dead", "bytes") for w in ("before", "after")
    }
    rows: dict[Table, dict[str, object]] = {
        core.lake: {"feed": FEED, "commit_no": 1, "files": 2, "bytes": 3, "archived_at": now},
        core.archive: {**topic, "end_offset": 5, "messages": 5},
        core.launch: {"feed": FEED, "launch": 1, "contract_hash": "c", "code_version": "v"},
        core.watch: {"feed": FEED, "watched_at": now},
        core.reconciliation: {"feed": FEED, "is_full": True, "seconds": 1.0, **counts},
        core.refresh: {
            **{"refresh_id": "a", "asked_for": "t", "asked_at": now, "covers_until": now},
            **{"first_day": day, "last_day": day, "partitions": False},
            **{"ended_at": now, "state": "completed"},
        },
        core.restatement: {
            **{"restatement_id": "a", "feed": FEED, "event_date": day, "person": "p"},
            **{"prefer": "first", "sums_before": "", "sums_after": "", "seconds": 2.0},
            **zero,
        },
        core.compaction: {
            **{"compaction_id": "a", "feed": FEED, "table_name": "t", "month": day},
            **{"person": "p", "steps": "s", "marker": "m", "seconds": 1.0},
            **sizes,
        },
        core.alert_state: {**flagged, "feed": FEED, "since": now, "last_flagged": now},
        core.alert_outbox: {"feed": FEED, "sensor": "s", "message": "{}"},
        core.quarantine: {
            **{**topic, "kafka_offset": 1, "append_time": now, "reason": "malformed"},
            **{"detail": "d", "batch_no": 1},
        },
        model_version: {
            **{**model, "version": 3, "run_id": "r", "sha256": "a", "judged_sha256": "b"},
            **{**trained, "trained_rows": 10},
        },
        model_event: {**model, "kind": "promoted", "version": 3, "reason": "r", "person": "p"},
        model_error: {
            **{**model, "event_date": day, "version": 3, "predictions": 4},
            **{"absolute": 8.0, "squared": 20.0, "signed": -4.0},
        },
        model_check: {
            **{**model, "event_time": now, "version": 3, "labels": 4, "error": 2.0},
            **{"drift_above": 5.0, "outcome": "quiet", "reason": "r"},
        },
    }
    for table, row in rows.items():
        connection.execute(insert(table), row)


@both_dialects
def test_what_every_job_left_is_exposed(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        fill(connection)
    found = {(s.name, *s.labels): s.value for s in Operations(warehouse).read()}
    expected = {name for name, family in FAMILIES.items() if family.source == "operations"}
    assert {key[0] for key in found} == expected
    assert found["vigie_model_version", "nox"] == 3
    assert found["vigie_model_rolling_mae", "nox"] == 2
    assert found["vigie_model_rolling_bias", "nox"] == -1
    assert found["vigie_refresh_last_failed",] == 0
    assert found["vigie_alerts_open", FEED] == 1
    assert found["vigie_alert_messages_waiting", FEED] == 1
    assert found["vigie_lake_bytes", FEED] == 3
    assert found["vigie_restatement_seconds", FEED] == 2
    assert found["vigie_reconciliation_timestamp_seconds", FEED] == pytest.approx(time(), abs=600)


def test_quarantine_is_counted_by_reason(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        fill(connection)
    found = {(s.name, *s.labels): s.value for s in Sizes(warehouse).read()}
    assert found["vigie_quarantine_messages", FEED, "malformed"] == 1


def test_a_part_that_is_away_is_a_zero_and_the_others_are_there(warehouse: Engine) -> None:
    commit(warehouse, FEED, 1)
    away = {"VIGIE_KAFKA": "127.0.0.1:1", "VIGIE_AIRFLOW": "http://127.0.0.1:1"}
    with environment(**away), TestClient(create_app()) as client:
        began = monotonic()
        reply = client.get("/metrics")
        assert monotonic() - began < 30
    assert reply.status_code == 200
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    up = {key[1]: value for key, value in found.items() if key[0] == "vigie_exporter_source_up"}
    there = dict.fromkeys(("streams", "operations", "sizes", "disk"), 1.0)
    assert up == {"kafka": 0, "airflow": 0} | there
    assert found["vigie_stream_messages_read_total", FEED] == 20
    assert found["vigie_warehouse_table_bytes", "ops.ledger"] > 0
    assert found["vigie_warehouse_table_bytes", f"fact.{FEED}_reading"] >= 0


def test_without_a_warehouse_a_scrape_still_answers(tmp_path: Path) -> None:
    # pragma: allowlist nextline secret - nobody listens
    url = "postgresql+psycopg://nobody:nothing@127.0.0.1:1/vigie"
    told = environment(VIGIE_WAREHOUSE_READER=url, VIGIE_STATE=str(tmp_path))
    with told, TestClient(create_app()) as client:
        text = client.get("/metrics").text
    assert 'vigie_exporter_source_up{source="streams"} 0.0' in text
    assert 'vigie_exporter_source_up{source="disk"} 1.0' in text


def test_a_source_that_hangs_is_left_alone_until_it_answers() -> None:
    release, asked = Event(), []

    def hang() -> list[Sample]:
        asked.append(monotonic())
        release.wait(30)
        return [Sample("vigie_disk_free_bytes", (), 1)]

    panel = Panel([Source("slow", hang), Source("quick", lambda: [])])
    assert [panel.ask(0.05)["slow"].samples for _ in range(3)] == [None] * 3
    assert len(asked) == 1
    release.set()
    assert panel.ask(10)["quick"].samples == []
    panel.close()


def test_an_answer_serves_for_as_long_as_its_source_says() -> None:
    asked: list[int] = []

    def read() -> list[Sample]:
        asked.append(1)
        return []

    panel = Panel([Source("rare", read, every=60), Source("each", read)])
    for _ in range(3):
        panel.ask()
    assert len(asked) == 4
    panel.close()


def test_names_follow_the_ecosystem() -> None:
    for family in FAMILIES.values():
        assert family.name.startswith("vigie_")
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert not family.name.endswith(("_ms", "_minutes", "_kb", "_mb", "_count"))
        assert family.help.endswith(".")
