"""What a topic holds now: its id and the offset range of every partition."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from vigie.broker.admin import answers, get_admin

_NO_LEADER = (KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION)


@dataclass(frozen=True)
class TopicState:
    """A topic at one moment; a topic deleted and made again has another `topic_id`.

    `partitions` maps each partition to (first kept offset, log end offset); the end is the offset
    the next message gets.
    """

    topic: str
    topic_id: str
    partitions: dict[int, tuple[int, int]]


def read_topic(
    topic: str, *, timeout: float = 10.0, admin: AdminClient | None = None
) -> TopicState:
    """Ask the broker for the state of `topic`, waiting at most `timeout` seconds in all.

    Raises:
        TopicMissing: The broker has no such topic.
        BrokerAway: No broker answered in time.
        BrokerError: The broker refused for another reason.
    """
    # Not `admin or …`: a client without queued events is false.
    client = get_admin() if admin is None else admin
    attempts = Retrying(
        retry=retry_if_exception(_is_passing),
        stop=stop_after_delay(timeout),
        wait=wait_fixed(0.05),
        reraise=True,
    )
    return attempts(_read, client, topic, monotonic() + timeout)


def _is_passing(error: BaseException) -> bool:
    """For a moment after it was made or changed, a topic's partitions have no leader."""
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in _NO_LEADER


def _read(admin: AdminClient, topic: str, deadline: float) -> TopicState:
    timeout = max(deadline - monotonic(), 0.1)
    subject = f"topic {topic}"
    described = answers(
        admin.describe_topics(TopicCollection([topic]), request_timeout=timeout),
        subject=subject,
        timeout=timeout,
    )[topic]
    partitions = [TopicPartition(topic, part.id) for part in described.partitions]
    left = max(deadline - monotonic(), 0.1)
    ends = [
        admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=left)
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
    ]
    first, last = (answers(futures, subject=subject, timeout=left) for futures in ends)
    return TopicState(
        topic=topic,
        topic_id=str(described.topic_id),
        partitions={part.partition: (first[part].offset, last[part].offset) for part in partitions},
    )
