"""Brings the topics of feeds to what their contracts say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from vigie.broker.admin import answers, get_admin
from vigie.broker.offsets import read_topic
from vigie.broker.producer import KEY_AND_FRAMING
from vigie.contract.feed import Feed
from vigie.errors import BrokerError, TopicMissing

_TIMEOUT = 15.0
_BROKER_DEFAULT = -1

ALERTS = "alerts"
"""The topic of the messages that alerts opened or cleared."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Wanted:
    topic: str
    partitions: int
    settings: Mapping[str, str]


def ensure_topics(feeds: Iterable[Feed]) -> list[str]:
    """Make or adjust the topic of each feed; returns the names of those made.

    A topic that exists gets the contract's settings and, where it has fewer, the contract's
    partitions; partitions are never taken away.

    Raises:
        BrokerAway: No broker answered in time.
        BrokerError: A topic is compacted, or the broker refused a change.
    """
    wanted = (_Wanted(f.topic, f.kafka.partitions, topic_settings(f)) for f in feeds)
    return [each.topic for each in wanted if _ensure(each)]


def ensure_alerts_topic() -> bool:
    """Make or adjust the topic of alert messages; returns whether it was made.

    They are few and their order counts: one partition, kept for a week.

    Raises:
        BrokerAway: No broker answered in time.
        BrokerError: The topic is compacted, or the broker refused a change.
    """
    retention = str(timedelta(days=7) // timedelta(milliseconds=1))
    settings = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": retention,
    }
    return _ensure(_Wanted(ALERTS, 1, settings))


def refuse_compacted(topic: str) -> None:
    """Return if `topic` keeps every message until it expires.

    Raises:
        TopicMissing: The broker has no such topic.
        BrokerError: The topic is compacted: messages vanish from its middle, so that the ledger
            could not account for every offset.
    """
    _refuse_compacted(topic, _settings_of(topic))


def topic_settings(feed: Feed) -> dict[str, str]:
    """The topic's settings as the contract has them; `max.message.bytes` limits a whole batch.

    A value of `max_message` bytes is taken whatever its sensor's name and however it compresses.
    """
    return {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(feed.kafka.retention // timedelta(milliseconds=1)),
        "max.message.bytes": str(feed.kafka.max_message + KEY_AND_FRAMING),
    }


def _ensure(wanted: _Wanted) -> bool:
    try:
        _adjust(wanted)
    except TopicMissing:
        return _create(wanted)
    return False


def _create(wanted: _Wanted) -> bool:
    topic = NewTopic(wanted.topic, wanted.partitions, _BROKER_DEFAULT, config=dict(wanted.settings))
    future = get_admin().create_topics([topic], request_timeout=_TIMEOUT)[wanted.topic]
    try:
        answers({wanted.topic: future}, subject=f"topic {wanted.topic}", timeout=_TIMEOUT)
    except BrokerError as error:
        if not _exists_already(error.__cause__):
            raise
        _adjust(wanted)
        return False
    _await_partitions(wanted)
    return True


def _exists_already(cause: BaseException | None) -> bool:
    """Whether somebody else made the topic meanwhile."""
    return (
        isinstance(cause, KafkaException)
        and cause.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    )


def _adjust(wanted: _Wanted) -> None:
    found = _settings_of(wanted.topic)
    _refuse_compacted(wanted.topic, found)
    changes = {key: value for key, value in wanted.settings.items() if found.get(key) != value}
    if changes:
        log.info("topic %s: setting %s", wanted.topic, changes)
        _alter(wanted.topic, changes)
    count = len(read_topic(wanted.topic, timeout=_TIMEOUT).partitions)
    if count < wanted.partitions:
        log.info("topic %s: from %d to %d partitions", wanted.topic, count, wanted.partitions)
        answers(
            get_admin().create_partitions([NewPartitions(wanted.topic, wanted.partitions)]),
            subject=f"topic {wanted.topic}",
            timeout=_TIMEOUT,
        )
        _await_partitions(wanted)


@retry(
    retry=retry_if_exception_type(BrokerError),
    stop=stop_after_delay(_TIMEOUT),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _await_partitions(wanted: _Wanted) -> None:
    """Return when the brokers show what the controller has accepted."""
    found = len(read_topic(wanted.topic, timeout=_TIMEOUT).partitions)
    if found < wanted.partitions:
        raise BrokerError(
            f"topic {wanted.topic}: found {found} partitions, expected {wanted.partitions} "
            f"within {_TIMEOUT:g} s of adding them. Look into the broker's log"
        )


def _settings_of(topic: str) -> dict[str, str | None]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    futures = get_admin().describe_configs([resource], request_timeout=_TIMEOUT)
    entries = answers(futures, subject=f"topic {topic}", timeout=_TIMEOUT)[resource]
    return {name: entry.value for name, entry in entries.items()}


def _alter(topic: str, changes: dict[str, str]) -> None:
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in changes.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    futures = get_admin().incremental_alter_configs([resource], request_timeout=_TIMEOUT)
    answers(futures, subject=f"topic {topic}", timeout=_TIMEOUT)


def _refuse_compacted(topic: str, settings: dict[str, str | None]) -> None:
    policy = settings.get("cleanup.policy") or ""
    if "compact" in policy:
        raise BrokerError(
            f"topic {topic}: found cleanup.policy={policy}, expected delete, since compaction "
            "takes messages out of the middle. Set cleanup.policy=delete, or remove the topic"
        )
