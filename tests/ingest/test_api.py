"""The HTTP entrance as a process of its own, in front of a real broker and a real database."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import Engine

from tests.ingest.conftest import Api, running_api
from tests.local_stack import vigie
from tests.readings import APPENDED, message
from tests.services import kafka_broker
from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.ingest.keyring import FRESH
from vigie.ingest.keys import create_key, revoke_key
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine

pytestmark = pytest.mark.broker

FEEDS = list(load_feeds().values())


def readings(feed: Feed, count: int, first: int = 0) -> list[dict]:
    return [
        message(feed, sensor=f"s-{n % 7}", at=APPENDED + timedelta(seconds=n), step=n)
        for n in range(first, first + count)
    ]


def kept(feed: Feed, since: dict[int, int]) -> list[tuple[bytes, bytes]]:
    """Key and value of every message the topic got since it ended at `since`."""
    consumer = Consumer({"bootstrap.servers": get_settings().kafka, "group.id": "test"})
    ends = {p: end for p, (_, end) in read_topic(feed.topic).partitions.items()}
    consumer.assign([TopicPartition(feed.topic, p, since.get(p, 0)) for p in ends])
    wanted = sum(end - since.get(p, 0) for p, end in ends.items())
    found: list[tuple[bytes, bytes]] = []
    deadline = time.monotonic() + 60
    while len(found) < wanted and time.monotonic() < deadline:
        found += [
            (m.key(), m.value()) for m in consumer.consume(wanted, timeout=1) if not m.error()
        ]
    consumer.close()
    assert len(found) == wanted
    return found


def ends_of(feed: Feed) -> dict[int, int]:
    ensure_topics([feed])
    return {p: end for p, (_, end) in read_topic(feed.topic).partitions.items()}


def test_what_is_answered_with_202_is_in_the_topic_as_it_was_sent(api: Api) -> None:
    for feed in FEEDS:
        before = ends_of(feed)
        one, several = readings(feed, 1)[0], readings(feed, 20, first=1)

        single = api.post(feed.name, json.dumps(one))
        batch = api.post(feed.name, json.dumps([several[0], {}, *several[1:], "text"]))

        assert single.status_code == 202, single.text
        assert single.json() == {"accepted": 1, "rejected": []}
        assert batch.status_code == 202, batch.text
        assert batch.json()["accepted"] == 20
        assert [(r["index"], r["field"]) for r in batch.json()["rejected"]] == [
            (1, feed.sensor),
            (21, ""),
        ]
        sent = Counter((r[feed.sensor].encode(), json.dumps(r).encode()) for r in [one, *several])
        assert Counter(kept(feed, before)) == sent


def test_who_has_no_valid_key_for_the_feed_stays_out(api: Api) -> None:
    feed, other = FEEDS[0], FEEDS[1]
    body = json.dumps(readings(feed, 1)[0])
    before = ends_of(feed)
    owner = get_engine("owner")
    narrow = create_key(owner, "narrow", [other.name], person="test")
    gone = create_key(owner, "gone", [], person="test")
    revoke_key(owner, "gone")

    codes = {
        "no key": api.post(feed.name, body, authorization="").status_code,
        "not a key": api.post(feed.name, body, authorization="Bearer vigie_x").status_code,
        "other scheme": api.post(feed.name, body, authorization=f"Basic {api.key}").status_code,
        "revoked": api.post(feed.name, body, authorization=f"Bearer {gone}").status_code,
        "other feed": api.post(feed.name, body, authorization=f"Bearer {narrow}").status_code,
    }

    assert codes == {
        "no key": 401,
        "not a key": 401,
        "other scheme": 401,
        "revoked": 401,
        "other feed": 403,
    }
    assert ends_of(feed) == before


def test_a_request_that_cannot_be_taken_says_why(api: Api) -> None:
    feed = FEEDS[0]
    before = ends_of(feed)
    answers = {
        404: api.post("nothing", "{}"),
        400: api.post(feed.name, '{"a": '),
        415: api.post(feed.name, "{}", content_type="text/csv"),
        413: api.post(feed.name, json.dumps([{}] * 10_001)),
        422: api.post(feed.name, json.dumps([{}, 1])),
    }
    assert {code: found.status_code for code, found in answers.items()} == {c: c for c in answers}
    assert all(found.json()["detail"] for found in answers.values())
    assert [r["index"] for r in answers[422].json()["rejected"]] == [0, 1]
    assert api.post(feed.name, b'{"a": "' + b"x" * (8 * 1024 * 1024)).status_code == 413
    assert ends_of(feed) == before


def test_what_happened_can_be_read_and_the_feeds_are_described(api: Api) -> None:
    feed = FEEDS[0]
    ensure_topics([feed])
    api.post(feed.name, json.dumps([*readings(feed, 3), {}]))

    health = httpx.get(f"{api.address}/health", timeout=10)
    metrics = httpx.get(f"{api.address}/metrics", timeout=10).text
    paths = httpx.get(f"{api.address}/openapi.json", timeout=10).json()["paths"]

    assert health.status_code == 200
    assert health.json() == {"broker": True, "keys": True, "warehouse": True}
    assert f'vigie_ingest_readings_accepted_total{{feed="{feed.name}"}} 3.0' in metrics
    assert f'vigie_ingest_requests_total{{code="202",feed="{feed.name}"}} 1.0' in metrics
    assert {f"/v1/readings/{name}" for name in load_feeds()} <= paths.keys()


def test_a_key_that_sends_too_much_is_told_when_to_go_on(
    kafka: str, warehouse: Engine, tmp_path: Path
) -> None:
    feed = FEEDS[0]
    ensure_topics([feed])
    with running_api(tmp_path / "api.log", VIGIE_INGEST_RATE="5/hour") as api:
        first = api.post(feed.name, json.dumps(readings(feed, 5)))
        second = api.post(feed.name, json.dumps(readings(feed, 5)))
    assert first.status_code == 202
    assert second.status_code == 429
    assert 1 <= int(second.headers["retry-after"]) <= 3600


def test_a_silent_broker_gives_503_and_the_same_batch_is_taken_afterwards(
    warehouse: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEEDS[0]
    body = json.dumps(readings(feed, 50))
    with kafka_broker(tmp_path / "broker") as address:
        monkeypatch.setenv("VIGIE_KAFKA", address)
        get_settings.cache_clear()
        ensure_topics([feed])
    with running_api(tmp_path / "api.log") as api:
        refused = api.post(feed.name, body)
        sick = httpx.get(f"{api.address}/health", timeout=10)
        with kafka_broker(tmp_path / "broker"):
            taken = _until_taken(api, feed, body)
            assert len({value for _, value in kept(feed, {})}) == 50
    get_settings.cache_clear()
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert sick.status_code == 503
    assert taken.json()["accepted"] == 50


def _until_taken(api: Api, feed: Feed, body: str) -> httpx.Response:
    deadline = time.monotonic() + 90
    while True:
        answer = api.post(feed.name, body)
        if answer.status_code == 202 or time.monotonic() > deadline:
            return answer


def test_readings_answered_with_202_survive_the_api_killed_in_the_middle(
    kafka: str, warehouse: Engine, tmp_path: Path
) -> None:
    feed = FEEDS[0]
    before = ends_of(feed)
    batches = [readings(feed, 500, first=n * 500) for n in range(20)]
    answered: set[bytes] = set()
    with running_api(tmp_path / "api.log") as api:
        for batch in batches[:10]:
            assert api.post(feed.name, json.dumps(batch)).status_code == 202
            answered |= {json.dumps(reading).encode() for reading in batch}
        with ThreadPoolExecutor(1) as pool:
            cut = pool.submit(api.post, feed.name, json.dumps(batches[10]))
            api.process.kill()
            api.process.wait()
            assert isinstance(cut.exception(), httpx.TransportError)
    with running_api(tmp_path / "api.log") as api:
        for batch in batches[10:]:
            assert api.post(feed.name, json.dumps(batch)).status_code == 202
            answered |= {json.dumps(reading).encode() for reading in batch}
    assert len(answered) == 10_000
    assert {value for _, value in kept(feed, before)} == answered


def test_a_known_key_is_let_in_while_the_warehouse_is_away(
    kafka: str, warehouse: Engine, postgres: Stack, tmp_path: Path
) -> None:
    feed = FEEDS[0]
    ensure_topics([feed])
    body = json.dumps(readings(feed, 1))
    name = warehouse.url.database
    with running_api(tmp_path / "api.log") as api:
        assert api.post(feed.name, body).status_code == 202
        get_engine("owner").dispose()
        with connect(postgres) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        known = api.post(feed.name, body)
        time.sleep(1)
        strange = api.post(feed.name, body, authorization="Bearer vigie_x")
        health = httpx.get(f"{api.address}/health", timeout=10)
    assert known.status_code == 202
    assert strange.status_code == 503
    assert health.json() == {"broker": True, "keys": True, "warehouse": False}


def test_vigie_key_makes_shows_and_revokes_keys(api: Api) -> None:
    feed, other = FEEDS[0], FEEDS[1]
    ensure_topics([feed])
    body = json.dumps(readings(feed, 1))

    made = vigie("key", "create", "plant-7", "--feed", feed.name)
    again = vigie("key", "create", "plant-7")
    key = made.stdout.strip()
    bearer = f"Bearer {key}"
    in_its_feed = api.post(feed.name, body, authorization=bearer)
    elsewhere = api.post(other.name, body, authorization=bearer)
    shown = vigie("key", "list", "--json").stdout
    revoked = vigie("key", "revoke", "plant-7")
    time.sleep(2 * FRESH)

    assert made.returncode == 0, made.stderr
    assert again.returncode == 2
    assert "plant-7" in again.stderr
    assert in_its_feed.status_code == 202
    assert elsewhere.status_code == 403
    assert key not in shown
    (row,) = [row for row in json.loads(shown) if row["name"] == "plant-7"]
    assert row["feeds"] == [feed.name]
    assert revoked.returncode == 0, revoked.stderr
    assert api.post(feed.name, body, authorization=bearer).status_code == 401


def test_an_api_told_to_end_answers_what_it_has_begun(api: Api) -> None:
    feed = FEEDS[0]
    before = ends_of(feed)
    body = json.dumps(readings(feed, 1000)).encode()

    def in_two_parts() -> Iterator[bytes]:
        yield body[:1000]
        time.sleep(1)
        api.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        yield body[1000:]

    answer = api.post(feed.name, in_two_parts())

    assert answer.status_code == 202, answer.text
    assert api.process.wait(30) in (0, -signal.SIGTERM)
    assert len(kept(feed, before)) == 1000
