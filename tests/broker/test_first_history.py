"""The history that a first start sends, with a real broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.test_send import consume, ends_of, vigie
from vigie.broker.topics import ensure_topics
from vigie.contract.loader import get_feed
from vigie.local.history import send_first_history
from vigie.local.stack import Stack
from vigie.simulator.model import habits_of

pytestmark = pytest.mark.broker
FEED = get_feed("gas_turbine")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(state=tmp_path, ports={}, secrets={}, socket=tmp_path / "unused.sock")


@pytest.fixture
def begins(kafka: str, monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """The topic as it is now; messages of other tests do not count as anybody's."""
    ensure_topics([FEED])
    monkeypatch.setattr("vigie.local.history._is_used", lambda feed: False)
    return ends_of(FEED.topic)


def test_a_history_is_sent_once(kafka: str, begins: dict[int, int], stack: Stack) -> None:
    said: list[str] = []
    send_first_history(stack, [FEED.name], said.append)
    sent = list(consume(kafka, FEED.topic, begins))
    rows = habits_of(FEED).rows
    assert len(sent) == rows
    assert said == [f"history of gas_turbine: {rows} readings sent"]

    after = ends_of(FEED.topic)
    send_first_history(stack, [FEED.name], said.append)
    assert ends_of(FEED.topic) == after
    assert len(said) == 1


def test_one_that_was_interrupted_is_the_same_again(
    kafka: str, begins: dict[int, int], stack: Stack
) -> None:
    send_first_history(stack, [FEED.name], lambda _: None)
    first = sorted(m.value() for m in consume(kafka, FEED.topic, begins))
    marker = stack.state / "history" / FEED.name
    marker.write_text(marker.read_text().partition(" sent")[0])
    middle = ends_of(FEED.topic)
    send_first_history(stack, [FEED.name], lambda _: None)
    assert sorted(m.value() for m in consume(kafka, FEED.topic, middle)) == first


def test_a_topic_that_others_use_is_left_alone(kafka: str, stack: Stack) -> None:
    vigie("simulate", FEED.name, "--start", "2026-01-01", "--count", "1")
    before = ends_of(FEED.topic)
    for _ in range(2):
        send_first_history(stack, [FEED.name], lambda _: None)
    assert ends_of(FEED.topic) == before
