"""What the publisher does when the broker takes nothing."""

from __future__ import annotations

import asyncio

import pytest

from vigie.contract.loader import load_feeds
from vigie.errors import BrokerAway
from vigie.ingest.publish import Publisher
from vigie.ingest.shape import Message
from vigie.local.ports import choose_ports
from vigie.settings import get_settings

pytestmark = pytest.mark.broker


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
