from __future__ import annotations

import pytest

from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.local.kafka import render_properties
from vigie.local.stack import Stack


@pytest.fixture
def properties(stack: Stack) -> dict[str, str]:
    return dict(line.split("=", 1) for line in render_properties(stack).splitlines())


def test_it_listens_on_loopback_only(properties: dict[str, str], stack: Stack) -> None:
    assert properties["advertised.listeners"] == f"PLAINTEXT://127.0.0.1:{stack.ports['kafka']}"
    for listener in properties["listeners"].split(","):
        assert "://127.0.0.1:" in listener


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_the_topics_limit_rules(properties: dict[str, str], feed: Feed) -> None:
    assert feed.kafka.max_message < int(properties["message.max.bytes"])
