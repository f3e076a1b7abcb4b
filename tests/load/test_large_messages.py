"""A backlog far larger than the driver's heap passes through it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.local_stack import LocalStack
from tests.readings import message
from vigie.broker.producer import Sender, make_producer
from vigie.contract.loader import get_feed
from vigie.settings import get_settings

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(3000)]

MESSAGES = 1_000_000
SIZE = 10_000


def test_a_million_messages_of_ten_kilobytes_pass_under_a_heap_of_one_gigabyte(
    local_stack: LocalStack,
) -> None:
    assert get_settings().driver_memory == "1g"
    feed = get_feed("air_quality")
    before = local_stack.account(feed)
    launch = local_stack.stream(feed)["launch"]
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    padding = "x" * (SIZE - len(json.dumps(message(feed))) - 20)

    with Sender(make_producer(batch_size=feed.kafka.max_message)) as sender:
        for number in range(MESSAGES):
            sensor = f"large-{number % 100}"
            at = start + timedelta(milliseconds=number)
            value = message(feed, sensor=sensor, at=at, step=number) | {"padding": padding}
            sender.send(feed.topic, sensor.encode(), json.dumps(value).encode())

    after = local_stack.settle(feed, before["read"] + MESSAGES, seconds=2400)
    assert after["stored"] == before["stored"] + MESSAGES
    assert local_stack.stream(feed)["launch"] == launch
