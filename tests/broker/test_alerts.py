"""Alert messages between outbox, topic and `notify_alerts`, on a real broker and database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert

from tests.local_stack import wait_for
from tests.warehouse.test_episodes import FEEDS, messages, readings, store_of
from tests.warehouse.test_store import batch
from vigie.broker.drain import drain
from vigie.broker.topics import ALERTS, ensure_alerts_topic
from vigie.settings import get_settings
from vigie.streaming.messages import AlertMessages, send_waiting
from vigie.warehouse import core

pytestmark = pytest.mark.broker


def drained(group: str) -> list[bytes]:
    found: list[bytes] = []
    drain(ALERTS, group, found.append)
    return found


def test_what_a_crash_left_is_sent_at_start_until_acknowledged(
    warehouse: Engine, kafka: str
) -> None:
    assert ensure_alerts_topic()
    assert not ensure_alerts_topic()
    assert drained("g") == []
    feed = FEEDS[0]
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, True), ("s", 1, False)])))
    left = messages(warehouse)
    assert len(left) == 2

    publisher = AlertMessages(feed.name, warehouse)
    publisher.start()
    wait_for(lambda: not messages(warehouse), "the outbox to be empty", 60)
    first = drained("g")
    # As if the driver had died between the acknowledgement and the deletion.
    with warehouse.begin() as connection:
        for message in first:
            row = {"feed": feed.name, "sensor": "s", "message": message.decode()}
            connection.execute(insert(core.alert_outbox).values(row))
    publisher.wake()
    wait_for(lambda: not messages(warehouse), "the outbox to be empty again", 60)
    publisher.stop()

    assert drained("g") == first
    assert drained("g") == []
    assert drained("another") == [*first, *first]


def test_messages_wait_while_the_broker_is_away(
    warehouse: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEEDS[0]
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, True)])))
    monkeypatch.setenv("VIGIE_KAFKA", "127.0.0.1:9")
    get_settings.cache_clear()

    assert send_waiting(warehouse, feed.name)

    assert len(messages(warehouse)) == 1


def test_a_message_that_was_not_handled_comes_again(warehouse: Engine, kafka: str) -> None:
    ensure_alerts_topic()
    feed = FEEDS[0]
    with store_of(warehouse, feed) as store:
        store.store(batch(readings(feed, [("s", 0, True)])))
    drained("careful")
    send_waiting(warehouse, feed.name)

    def refuse(_: bytes) -> None:
        raise ConnectionError("the webhook is down")

    with pytest.raises(ConnectionError):
        drain(ALERTS, "careful", refuse)

    assert len(drained("careful")) == 1
