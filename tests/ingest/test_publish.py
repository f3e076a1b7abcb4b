"""What the publisher does with what just fits, and when the broker takes nothing."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.readings import message
from tests.services import forget_topic
from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics
from vigie.contract.loader import load_feeds
from vigie.errors import BrokerAway
from vigie.ingest.items import take_apart
from vigie.ingest.publish import Publisher
from vigie.ingest.shape import Message, Wrong, make_check
from vigie.local.ports import choose_ports
from vigie.settings import get_settings

pytestmark = pytest.mark.broker


def test_what_passes_the_check_is_taken(kafka: str) -> None:
    feed = replace(next(iter(load_feeds().values())), feed=f"full_{uuid4().hex[:8]}")
    ensure_topics([feed])
    limit, check = feed.kafka.max_message, make_check(feed)
    # The longest name, and nothing that compression makes smaller.
    sensor = "\N{GRINNING FACE}" * 200
    noise = os.urandom(limit).hex()

    def reading(size: int) -> Message | Wrong:
        made = message(feed, sensor=sensor) | {"unknown": ""}
        empty = len(json.dumps(made, ensure_ascii=False).encode())
        text = json.dumps(made | {"unknown": noise[: size - empty]}, ensure_ascii=False)
        (item,) = take_apart(text.encode())
        return check(item)

    largest = reading(limit)
    assert isinstance(largest, Message)
    assert (len(largest.key), len(largest.value)) == (800, limit)
    found = reading(limit + 1)
    assert isinstance(found, Wrong)
    assert found.kind == "oversize"
    nearly = [reading(limit - size) for size in range(0, 2000, 100)]
    small = [reading(4000)] * 200
    publisher = Publisher(feed)
    sent = [largest, *small, *nearly, *small, largest]
    asyncio.run(publisher.send([one for one in sent if isinstance(one, Message)]))
    publisher.close()
    assert sum(last for _, last in read_topic(feed.topic).partitions.values()) == len(sent)
    forget_topic(feed)


def test_a_full_queue_turns_the_next_away_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = next(iter(load_feeds().values()))
    port = choose_ports({}, only_free=True)["kafka"]
    monkeypatch.setenv("VIGIE_KAFKA", f"127.0.0.1:{port}")
    get_settings.cache_clear()
    publisher = Publisher(feed)
    large = Message(b"s-1", b"x" * (feed.kafka.max_message - 1000))
    many = [large] * (80 * 1024 * 1024 // len(large.value))

    async def overfill() -> None:
        first = asyncio.create_task(publisher.send(many))
        await asyncio.sleep(0)
        with pytest.raises(BrokerAway, match=r"(?i)queue full"):
            await publisher.send([large])
        assert not first.done()
        with pytest.raises(BrokerAway):
            await first

    asyncio.run(overfill())
    publisher.close()
    get_settings.cache_clear()
