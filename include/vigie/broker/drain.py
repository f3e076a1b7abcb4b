"""Hands over all that waits in a topic, and remembers how far it came."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from vigie.broker.admin import away, client_log, refused
from vigie.broker.login import client_settings
from vigie.broker.offsets import read_topic

_MOVING = (
    *(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE),
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
"""What a broker answers for a moment after it started, while the group finds its place."""


def drain(topic: str, group: str, handle: Callable[[bytes], None], *, timeout: float = 30.0) -> int:
    """Hand each message the group has not seen to `handle`, up to the topic's end of now.

    The group's offset is committed after each message, so one whose handling fails comes again.
    Partitions are assigned, not subscribed to: only one process at a time may drain for a group.

    Args:
        topic: The topic.
        group: The consumer group that remembers how far it came.
        handle: Takes a message's value; its errors pass through.
        timeout: Seconds the broker may be silent.

    Returns:
        How many messages were handled.

    Raises:
        BrokerAway: No broker answered in time.
        BrokerError: The broker refused.
    """
    ends = read_topic(topic, timeout=timeout).partitions
    consumer = Consumer(
        client_settings() | {"group.id": group, "enable.auto.commit": False},
        logger=client_log,
    )
    try:
        parts = [TopicPartition(topic, part) for part in ends]
        patiently = Retrying(
            retry=retry_if_exception(_is_passing),
            stop=stop_after_delay(timeout),
            wait=wait_fixed(0.2),
            reraise=True,
        )
        committed = patiently(consumer.committed, parts, timeout=timeout)
        begins = {p.partition: max(p.offset, ends[p.partition][0]) for p in committed}
        left = {part: end for part, (_, end) in ends.items() if begins[part] < end}
        consumer.assign([TopicPartition(topic, part, begins[part]) for part in left])
        return _hand_over(consumer, topic, left, handle, timeout)
    except KafkaException as error:
        # Without a right to the group the client asks again until it is late, and says why here.
        told = consumer.poll(0)
        cause = told.error() if told is not None else None
        raise refused(f"topic {topic}", cause or error.args[0]) from error
    finally:
        consumer.close()


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _MOVING


def _hand_over(
    consumer: Consumer,
    topic: str,
    left: dict[int, int],
    handle: Callable[[bytes], None],
    timeout: float,
) -> int:
    handled, heard = 0, monotonic()
    while left:
        message = consumer.poll(1.0)
        if message is None:
            if monotonic() - heard > timeout:
                raise away(f"topic {topic}", f"no message for {timeout:g} s, though some wait")
            continue
        if message.error():
            raise KafkaException(message.error())
        part, offset = message.partition(), message.offset()
        if part in left and offset is not None:
            handle(message.value() or b"")
            consumer.commit(message=message, asynchronous=False)
            handled += 1
            if offset + 1 >= left[part]:
                del left[part]
        heard = monotonic()
    return handled
