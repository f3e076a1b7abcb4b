from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import sleep
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from vigie.broker import topics
from vigie.broker.offsets import read_topic
from vigie.broker.producer import Sender, make_producer
from vigie.broker.topics import ensure_topics, refuse_compacted, topic_settings
from vigie.contract.feed import Feed, Kafka
from vigie.contract.loader import load_feeds
from vigie.errors import BrokerAway, BrokerError, TopicMissing

pytestmark = pytest.mark.broker


@pytest.fixture
def admin(kafka: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka})


@pytest.fixture
def feed(admin: AdminClient) -> Iterator[Feed]:
    """A feed whose topic does not exist yet."""
    name = f"passing_{uuid4().hex[:8]}"
    feed = replace(load_feeds()["environment"], feed=name, kafka=Kafka(partitions=2))
    yield feed
    if feed.topic in admin.list_topics(timeout=10).topics:
        admin.delete_topics([feed.topic])[feed.topic].result(10)


def make_by_hand(admin: AdminClient, name: str, **config: str) -> None:
    dotted = {key.replace("_", "."): value for key, value in config.items()}
    admin.create_topics([NewTopic(name, 1, 1, config=dotted)])[name].result(10)
    while name not in admin.list_topics(timeout=10).topics:
        sleep(0.05)


def send(feed: Feed, values: list[bytes]) -> None:
    with Sender(make_producer(max_message=feed.kafka.max_message)) as sender:
        for value in values:
            sender.send(feed.topic, b"key", value)


def test_makes_the_topics_of_all_feeds_once(admin: AdminClient) -> None:
    feeds = load_feeds().values()
    known = admin.list_topics(timeout=10).topics
    assert {*ensure_topics(feeds)} == {feed.topic for feed in feeds} - {*known}
    assert ensure_topics(feeds) == []
    for feed in feeds:
        assert len(read_topic(feed.topic).partitions) == feed.kafka.partitions


def test_brings_a_topic_to_its_contract(admin: AdminClient, feed: Feed) -> None:
    make_by_hand(admin, feed.topic, message_timestamp_type="CreateTime", retention_ms="1000")
    assert ensure_topics([feed]) == []
    wider = replace(feed, kafka=replace(feed.kafka, partitions=3, retention=timedelta(days=1)))
    ensure_topics([wider])
    assert len(read_topic(feed.topic).partitions) == 3
    assert described(admin, wider) == topic_settings(wider)
    ensure_topics([feed])
    assert len(read_topic(feed.topic).partitions) == 3, "partitions are never taken away"
    assert described(admin, feed) == topic_settings(feed)


def described(admin: AdminClient, feed: Feed) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, feed.topic)
    entries = admin.describe_configs([resource])[resource].result(10)
    return {name: entries[name].value for name in topic_settings(feed)}


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_refuses_a_compacted_topic(admin: AdminClient, feed: Feed, policy: str) -> None:
    make_by_hand(admin, feed.topic, cleanup_policy=policy, retention_ms="1000")
    for call in (lambda: ensure_topics([feed]), lambda: refuse_compacted(feed.topic)):
        with pytest.raises(
            BrokerError, match=r"readings\.passing_\w+: found cleanup.policy=compact"
        ):
            call()
    assert described(admin, feed)["retention.ms"] == "1000", "nothing was changed"


def test_accepts_a_topic_of_ours(feed: Feed) -> None:
    ensure_topics([feed])
    refuse_compacted(feed.topic)


def test_offsets_follow_what_is_sent_and_deleted(admin: AdminClient, feed: Feed) -> None:
    ensure_topics([feed])
    assert read_topic(feed.topic).partitions == {0: (0, 0), 1: (0, 0)}
    send(feed, [b"1", b"2", b"3"])
    state = read_topic(feed.topic)
    written = next(number for number, ends in state.partitions.items() if ends == (0, 3))
    assert state.partitions[1 - written] == (0, 0), "one key, one partition"
    cut = TopicPartition(feed.topic, written, 2)
    admin.delete_records([cut])[cut].result(10)
    assert read_topic(feed.topic, admin=admin).partitions[written] == (2, 3)


def test_a_topic_made_again_has_another_id(admin: AdminClient, feed: Feed) -> None:
    ensure_topics([feed])
    before = read_topic(feed.topic)
    assert read_topic(feed.topic).topic_id == before.topic_id
    admin.delete_topics([feed.topic])[feed.topic].result(10)
    while feed.topic in admin.list_topics(timeout=10).topics:
        sleep(0.05)
    with pytest.raises(TopicMissing, match=r"readings\.passing_"):
        read_topic(feed.topic)
    ensure_topics([feed])
    assert read_topic(feed.topic).topic_id != before.topic_id


def test_the_limit_holds_for_a_message_and_not_for_many(feed: Feed) -> None:
    small = replace(feed, kafka=replace(feed.kafka, max_message=2048))
    ensure_topics([small])
    send(small, [b"x" * 1500] * 500)
    with pytest.raises(BrokerError, match=r"1 message.*too large"):
        send(small, [bytes(4000)])
    assert sum(last for _, last in read_topic(small.topic).partitions.values()) == 500


def test_a_topic_that_somebody_else_made_meanwhile_is_adjusted(
    admin: AdminClient, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, really = [], topics._settings_of

    def not_yet(topic: str) -> dict[str, str | None]:
        if not seen:
            seen.append(topic)
            make_by_hand(admin, topic, retention_ms="1000")
            raise TopicMissing(topic)
        return really(topic)

    monkeypatch.setattr(topics, "_settings_of", not_yet)
    assert ensure_topics([feed]) == []
    assert described(admin, feed) == topic_settings(feed)


def test_no_broker_is_not_a_missing_topic() -> None:
    nobody = AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    with pytest.raises(BrokerAway, match=r"topic readings\.x: "):
        read_topic("readings.x", timeout=1, admin=nobody)
