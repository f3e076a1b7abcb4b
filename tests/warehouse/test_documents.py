"""Documents against the rows of a real database, on the local stack's document server."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pymongo import MongoClient
from sqlalchemy import Engine, select

from tests.dialects import both_dialects
from tests.readings import accepted
from tests.services import document_server, environment
from tests.warehouse.test_store import new_launch, totals
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.errors import DocumentsAway, Superseded
from vigie.reconciliation.reconcile import reconcile
from vigie.streaming import store as store_module
from vigie.streaming.commit import Batch
from vigie.streaming.documents import open_documents
from vigie.streaming.heartbeat import Pulse
from vigie.streaming.split import Split
from vigie.streaming.store import Store
from vigie.warehouse import core
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.ledger import OffsetRange

pytestmark = [pytest.mark.warehouse, both_dialects]

KEPT = [feed for feed in load_feeds().values() if "documents" in feed.sinks]
PLAIN = [feed for feed in load_feeds().values() if "documents" not in feed.sinks]
each_kept = pytest.mark.parametrize("feed", KEPT, ids=lambda feed: feed.name)
START = datetime(2026, 2, 27, 23, tzinfo=UTC)

Reading = tuple[str, datetime, int]


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents") / "server"


@pytest.fixture(scope="module")
def running_server(server_folder: Path) -> Iterator[str]:
    with document_server(server_folder) as url:
        yield url


@pytest.fixture
def server(running_server: str, warehouse: Engine) -> Iterator[str]:
    """The server with no documents, and the settings pointing at it."""
    url = running_server
    with environment(VIGIE_DOCUMENTS=url, VIGIE_WAREHOUSE=_url(warehouse)):
        with MongoClient[Any](url) as client:
            client.drop_database("vigie")
        yield url


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def stores() -> Iterator[list[Store]]:
    opened: list[Store] = []
    yield opened
    for store in opened:
        store.close()


def open_launch(engine: Engine, feed: Feed, number: int, stores: list[Store]) -> Store:
    fence = new_launch(engine, feed, number)
    documents = open_documents(feed, number)
    store = Store(
        open_warehouse(engine), engine, feed, fence=fence, pulse=Pulse("running"),
        documents=documents,
    )  # fmt: skip
    stores.append(store)
    return store


def two_partitions(feed: Feed, readings: list[Reading], partitions: list[int]) -> Split:
    """Readings spread over partitions, offsets counted in each, as a foreign producer may."""
    split = accepted(feed, readings)
    offsets = [partitions[:i].count(p) for i, p in enumerate(partitions)]
    rows = split.accepted.set_column(
        0, "kafka_partition", pa.array(partitions, pa.int32())
    ).set_column(1, "kafka_offset", pa.array(offsets, pa.int64()))
    order = [("kafka_partition", "ascending"), ("kafka_offset", "ascending")]
    return Split(rows.sort_by(order), split.quarantined)


def cut(split: Split, begins: dict[int, int], ends: dict[int, int]) -> Batch:
    """The batch of these ranges."""
    rows = split.accepted
    keep = [
        begins[row["kafka_partition"]] <= row["kafka_offset"] < ends[row["kafka_partition"]]
        for row in rows.select(["kafka_partition", "kafka_offset"]).to_pylist()
    ]
    moved = {p: (begins[p], ends[p]) for p in ends if ends[p] > begins[p]}
    ranges = [OffsetRange("topic", p, begin, end) for p, (begin, end) in moved.items()]
    read = {p: end - begin for p, (begin, end) in moved.items()}
    return Batch(ranges, read, Split(rows.filter(pa.array(keep)), split.quarantined))


def documents_of(url: str, feed: Feed, kind: str = "reading") -> dict[str, dict[str, Any]]:
    with MongoClient[Any](url, tz_aware=True) as client:
        found = client.get_default_database()[f"{feed.name}_{kind}"].find()
        return {document.pop("_id"): document for document in found}


def stored_rows(engine: Engine, feed: Feed) -> dict[str, tuple[Any, ...]]:
    reading = feed_tables(feed).reading
    t, s = reading.c, core.sensor.c
    columns = (t.kafka_partition, t.kafka_offset, *(t[name] for name in feed.fields))
    query = select(s.sensor, t.event_time, *columns).join_from(
        reading, core.sensor, s.sensor_id == t.sensor_id
    )
    with engine.connect() as connection:
        return {identity(sensor, at): tuple(v) for sensor, at, *v in connection.execute(query)}


def identity(sensor: str, at: datetime) -> str:
    text = at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return f"{sensor}|{text}Z"


def assert_documents_are_the_rows(engine: Engine, url: str, feed: Feed) -> None:
    """Same identities, coordinates and values, and the newest of each sensor as its state."""
    rows = stored_rows(engine, feed)
    found = {
        key: (d["kafka_partition"], d["kafka_offset"], *(d["values"].get(f) for f in feed.fields))
        for key, d in documents_of(url, feed).items()
    }
    assert found == rows
    newest: dict[str, str] = {}
    for key in sorted(rows):
        newest[key.rsplit("|", 1)[0]] = key
    states = documents_of(url, feed, "latest")
    assert {s: identity(s, d["event_time"]) for s, d in states.items()} == newest
    assert {s: d["kafka_offset"] for s, d in states.items()} == {
        s: rows[key][1] for s, key in newest.items()
    }


def random_readings(draw: random.Random, count: int) -> list[Reading]:
    """Late readings, copies and conflicting copies among them."""
    return [
        (
            f"s-{draw.randrange(4)}",
            START + timedelta(minutes=7 * draw.randrange(40), milliseconds=draw.randrange(2)),
            draw.randrange(2),
        )
        for _ in range(count)
    ]


@each_kept
@pytest.mark.parametrize("seed", range(4))
def test_any_cut_with_aborts_leaves_exactly_the_stored_rows(
    warehouse: Engine, server: str, stores: list[Store], feed: Feed, seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    draw = random.Random(seed)
    readings = random_readings(draw, 150)
    split = two_partitions(feed, readings, [draw.randrange(2) for _ in readings])
    counts = split.accepted["kafka_partition"].to_pylist()
    total = {p: counts.count(p) for p in (0, 1)}
    begins, launch = {0: 0, 1: 0}, 1
    store = open_launch(warehouse, feed, launch, stores)
    while begins != total:
        ends = {p: min(total[p], begins[p] + draw.randrange(25)) for p in total}
        if ends == begins:
            continue
        batch = cut(split, begins, ends)
        if draw.random() < 0.4:
            abort_before_the_commit(store, batch, monkeypatch)
            launch += 1
            store = open_launch(warehouse, feed, launch, stores)
            continue
        store.store(batch)
        begins = ends

    assert launch > 1
    sums = totals(warehouse, feed)
    assert sums["copies"] > 0
    assert sums["conflicts"] > 0
    assert_documents_are_the_rows(warehouse, server, feed)


class Killed(BaseException):
    """The process ends here."""


def abort_before_the_commit(store: Store, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die with the documents written and the transaction open."""

    def die() -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store.open(), "commit", die)
        with pytest.raises(Killed):
            store.store(batch)
    store.close()


@each_kept
def test_a_superseded_driver_that_thaws_changes_no_document(
    warehouse: Engine, server: str, stores: list[Store], feed: Feed
) -> None:
    times = [START + timedelta(minutes=i) for i in range(5)]
    first = [("s-1", at, 1) for at in times]
    split = two_partitions(feed, first + [("s-1", at, 2) for at in times], [0] * 5 + [1] * 5)
    old = open_launch(warehouse, feed, 1, stores)
    new = open_launch(warehouse, feed, 2, stores)
    new.store(cut(split, {0: 0, 1: 0}, {0: 0, 1: 5}))
    before = documents_of(server, feed), documents_of(server, feed, "latest")
    frozen = cut(split, {0: 0, 1: 0}, {0: 5, 1: 0}).split.accepted
    thawed = open_documents(feed, 1)
    assert thawed is not None

    list(thawed.write(frozen, "topic"))
    with pytest.raises(Superseded):
        old.store(cut(split, {0: 0, 1: 0}, {0: 5, 1: 0}))

    assert (documents_of(server, feed), documents_of(server, feed, "latest")) == before
    assert_documents_are_the_rows(warehouse, server, feed)


@each_kept
def test_a_document_shows_the_reading(
    warehouse: Engine, server: str, stores: list[Store], feed: Feed
) -> None:
    store = open_launch(warehouse, feed, 1, stores)
    split = accepted(feed, [("s|1", START, 3)])
    rule = next(iter(feed.alerts), None)
    if rule:
        at = split.accepted.column_names.index(f"alert:{rule}")
        flagged = split.accepted.set_column(at, f"alert:{rule}", pa.array([True]))
        split = Split(flagged, split.quarantined)
    name = next(iter(feed.fields))
    rows = split.accepted
    empty = pa.nulls(1, rows[name].type)
    rows = rows.set_column(rows.column_names.index(name), name, empty)
    store.store(Batch([OffsetRange("topic", 0, 0, 1)], {0: 1}, Split(rows, split.quarantined)))

    (key, document), = documents_of(server, feed).items()  # fmt: skip

    assert key == "s|1|2026-02-27T23:00:00.000Z"
    assert document["sensor"] == "s|1"
    assert document["event_time"] == START
    assert name not in document["values"]
    assert document["values"].keys() == feed.fields.keys() - {name}
    assert document.get("alerts") == ([rule] if rule else None)
    if feed.position:
        assert document["position"] == {"type": "Point", "coordinates": [1.5, 1.5]}


@each_kept
def test_indexes_for_device_time_and_position_are_asked_for(
    warehouse: Engine, server: str, stores: list[Store], feed: Feed
) -> None:
    open_launch(warehouse, feed, 1, stores).store(
        Batch([OffsetRange("topic", 0, 0, 1)], {0: 1}, accepted(feed, [("s-1", START, 1)]))
    )
    with MongoClient[Any](server) as client:
        found = client.get_default_database()[f"{feed.name}_reading"].index_information()
    keys = {tuple(index["key"]) for index in found.values()}
    assert {(("event_time", 1),), (("sensor", 1), ("event_time", -1))} <= keys
    if feed.position:
        assert (("position", "2dsphere"),) in keys


@each_kept
def test_a_server_that_is_away_is_waited_for_and_nothing_is_lost(
    warehouse: Engine, tmp_path: Path, stores: list[Store], feed: Feed
) -> None:
    folder = tmp_path / "server"
    readings = [("s-1", START + timedelta(minutes=i), i) for i in range(20)]
    split = two_partitions(feed, readings, [0] * 20)
    with document_server(folder) as url, _at(warehouse, url):
        store = open_launch(warehouse, feed, 1, stores)
        store.store(cut(split, {0: 0}, {0: 5}))
    with _at(warehouse, url):
        pulse = store._pulse
        second = threading.Thread(target=store.store, args=(cut(split, {0: 5}, {0: 20}),))
        second.start()
        while pulse.phase != "waiting for documents":
            assert second.is_alive()
            second.join(0.1)
        account = reconcile(feed, warehouse, patience=0.1)
        assert account.unaccounted == ()
        assert account.skipped is not None
        assert "no document server answers" in account.skipped
        tried = pulse.progress
        with document_server(folder):
            second.join(60)
            assert not second.is_alive()
            assert pulse.phase == "running"
            assert pulse.progress > tried
            assert totals(warehouse, feed)["stored"] == 20
            assert_documents_are_the_rows(warehouse, url, feed)


def _at(engine: Engine, url: str) -> Any:
    return environment(VIGIE_DOCUMENTS=url, VIGIE_WAREHOUSE=_url(engine))


@each_kept
def test_a_server_that_stays_away_ends_the_launch_with_a_clear_error(
    warehouse: Engine, stores: list[Store], feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PATIENCE", 1)
    split = accepted(feed, [("s-1", START, 1)])
    with _at(warehouse, "mongodb://127.0.0.1:9/vigie"):
        store = open_launch(warehouse, feed, 1, stores)

        with pytest.raises(DocumentsAway, match=r"no document server answers: 127\.0\.0\.1:9"):
            store.store(Batch([OffsetRange("topic", 0, 0, 1)], {0: 1}, split))

    assert totals(warehouse, feed)["read"] == 0


@each_kept
def test_reconcile_names_the_documents_that_differ(
    warehouse: Engine, server: str, stores: list[Store], feed: Feed
) -> None:
    readings = [("s-1", START + timedelta(minutes=10 * i), i) for i in range(12)]
    store = open_launch(warehouse, feed, 1, stores)
    store.store(cut(two_partitions(feed, readings, [0] * 12), {0: 0}, {0: 12}))
    assert reconcile(feed, warehouse, patience=0.1).unaccounted == ()
    with MongoClient[Any](server) as client:
        collection = client.get_default_database()[f"{feed.name}_reading"]
        lost = collection.find_one({"kafka_offset": 2})
        collection.delete_one({"kafka_offset": 2})
        changed = {"$set": {"kafka_offset": 11}}
        collection.update_one({"kafka_offset": 7}, changed)
        ahead = lost | {"_id": "in hand", "kafka_offset": 12}
        collection.insert_one(ahead)

    faults = reconcile(feed, warehouse, patience=0.1).unaccounted

    assert [fault.partition(";")[0] for fault in faults] == [
        "2026-02-27: 6 readings stored, 5 documents",
        "2026-02-28: 6 readings stored, 6 documents",
    ]
    assert "missing: s-1 at 23:20:00 (partition 0, offset 2)" in faults[0]
    assert "not stored: s-1 at 00:10:00 (partition 0, offset 11)" in faults[1]


@each_kept
def test_without_a_url_the_stream_goes_on_and_says_so(
    warehouse: Engine, stores: list[Store], feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    with _at(warehouse, ""):
        store = open_launch(warehouse, feed, 1, stores)
        store.store(
            Batch([OffsetRange("topic", 0, 0, 1)], {0: 1}, accepted(feed, [("s-1", START, 1)]))
        )
        account = reconcile(feed, warehouse, patience=0.1)

    assert caplog.text.count("VIGIE_DOCUMENTS is empty") == 1
    assert (account.unaccounted, account.skipped) == (
        (),
        "documents not compared: VIGIE_DOCUMENTS is empty",
    )


@pytest.mark.parametrize("feed", PLAIN, ids=lambda feed: feed.name)
def test_a_feed_without_the_sink_asks_no_server(feed: Feed) -> None:
    with environment(VIGIE_DOCUMENTS="mongodb://127.0.0.1:9/vigie"):
        assert open_documents(feed, 1) is None
