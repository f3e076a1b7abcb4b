"""One admin connection per broker address, and its answers as values or errors of ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from functools import cache
from threading import Lock
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from vigie.errors import BrokerAway, BrokerError, TopicMissing
from vigie.settings import get_settings

K = TypeVar("K")
V = TypeVar("V")


class OncePerMinute(logging.Filter):
    """Lets a message through once a minute: while a broker is away the client repeats itself."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the message, without the details in brackets at its end, is due again."""
        text = record.getMessage().partition(" (")[0]
        due = record.created - self._last.get(text, 0.0) >= 60
        if due:
            self._last[text] = record.created
        return due


client_log = logging.getLogger("vigie.broker.client")
"""What the Kafka client library logs; silent unless the process configures logging."""
client_log.addHandler(logging.NullHandler())
client_log.addFilter(OncePerMinute())

_AWAY = frozenset(
    (
        *(KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._TIMED_OUT_QUEUE),
        *(KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._MSG_TIMED_OUT),
        *(KafkaError.REQUEST_TIMED_OUT, KafkaError.BROKER_NOT_AVAILABLE),
    )
)

_one_by_one = Lock()


def get_admin() -> AdminClient:
    """The admin connection to the broker of the settings; safe to share between threads."""
    # Two threads that come first together would each make one, and the one that is not kept ends
    # with its caller's expression, whatever it still waits for.
    with _one_by_one:
        return _connect(get_settings().kafka)


@cache
def _connect(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap}, logger=client_log)


def is_answering() -> bool:
    """Whether a broker lists its topics within a second."""
    try:
        get_admin().list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def answers(futures: Mapping[K, Future[V]], *, subject: str, timeout: float) -> dict[K, V]:
    """Wait at most `timeout` seconds for the broker's answers about `subject`.

    Raises:
        BrokerAway: No broker answered in time.
        TopicMissing: The broker has no such topic.
        BrokerError: The broker refused for another reason.
    """
    found: dict[K, V] = {}
    for key, future in futures.items():
        try:
            found[key] = future.result(timeout)
        except TimeoutError:
            raise away(subject, f"no answer within {timeout:g} s") from None
        except KafkaException as error:
            raise refused(subject, error.args[0]) from error
    return found


def away(subject: str, observed: str) -> BrokerAway:
    """The error for a broker that does not answer."""
    return BrokerAway(
        f"{subject}: {observed} from Kafka at {get_settings().kafka}; expected a broker there. "
        "Start it, or set VIGIE_KAFKA to its address"
    )


def refused(subject: str, error: KafkaError) -> BrokerError:
    """The error of ours that fits the client's `error`."""
    if error.code() in _AWAY:
        return away(subject, error.str())
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return TopicMissing(
            f"{subject}: Kafka at {get_settings().kafka} has no such topic; "
            "expected one made by `vigie up`, or by the first start of the feed's stream"
        )
    return BrokerError(f"{subject}: Kafka refused with {error.name()}: {error.str()}")
