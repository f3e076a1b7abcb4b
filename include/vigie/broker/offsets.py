"""What a topic holds now: its id and the offset range of every partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from vigie.broker.admin import answers, get_admin, refused

_NO_LEADER = (
    *(KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION),
    # A broker that has just started has not made itself leader of all it tells of.
    *(KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH),
)


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


def read_topics(topics: Iterable[str], *, timeout: float) -> dict[str, TopicState]:
    """The state of those of the topics that exist, in as many requests as for one.

    Raises:
        BrokerAway: No broker answered in time.
        BrokerError: The broker refused for another reason.
    """
    admin, deadline = get_admin(), monotonic() + timeout
    try:
        there = admin.list_topics(timeout=timeout).topics
    except KafkaException as error:
        raise refused("topics", error.args[0]) from error
    known = [topic for topic in topics if topic in there]
    return _read_all(admin, known, deadline, subject="topics") if known else {}


def _is_passing(error: BaseException) -> bool:
    """For a moment after it was made or changed, or its broker started, a topic has no leader."""
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in _NO_LEADER


def _read(admin: AdminClient, topic: str, deadline: float) -> TopicState:
    return _read_all(admin, [topic], deadline, subject=f"topic {topic}")[topic]


def _read_all(
    admin: AdminClient, topics: Sequence[str], deadline: float, *, subject: str
) -> dict[str, TopicState]:
    """Three requests, however many topics."""
    timeout = max(deadline - monotonic(), 0.1)
    described = answers(
        admin.describe_topics(TopicCollection(list(topics)), request_timeout=timeout),
        subject=subject,
        timeout=timeout,
    )
    partitions = [
        TopicPartition(topic, part.id) for topic in topics for part in described[topic].partitions
    ]
    left = max(deadline - monotonic(), 0.1)
    ends = [
        admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=left)
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
    ]
    first, last = (answers(futures, subject=subject, timeout=left) for futures in ends)
    found = {
        topic: TopicState(topic=topic, topic_id=str(told.topic_id), partitions={})
        for topic, told in described.items()
    }
    for part in partitions:
        found[part.topic].partitions[part.partition] = (first[part].offset, last[part].offset)
    return found
