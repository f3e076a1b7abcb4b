"""One admin connection per broker address, and its answers as values or errors of ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from vigie.broker.login import as_user, client_settings, refusal
from vigie.errors import BrokerAway, BrokerError, LoginRefused, RightMissing, TopicMissing
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

_NO_RIGHT = frozenset(
    (
        *(KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED),
        *(KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.SECURITY_DISABLED),
    )
)

_one_by_one = Lock()


def get_admin() -> AdminClient:
    """The admin connection to the broker of the settings; safe to share between threads."""
    # Two threads that come first together would each make one, and the one that is not kept ends
    # with its caller's expression, whatever it still waits for.
    with _one_by_one:
        return _connect(tuple(client_settings().items()))


@cache
def _connect(settings: tuple[tuple[str, Any], ...]) -> AdminClient:
    return AdminClient(dict(settings), logger=client_log)


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


def away(subject: str, observed: str) -> BrokerError:
    """The error for a broker that does not answer, or has refused the login meanwhile."""
    if _connect.cache_info().currsize:
        # What the connection heard waits until somebody asks.
        get_admin().poll(0)
    where = get_settings().kafka
    if told := refusal():
        return LoginRefused(
            f"{subject}: Kafka at {where} does not let this process in {as_user()}: "
            f"{told}. Set VIGIE_KAFKA_USER and VIGIE_KAFKA_PASSWORD to a user it knows, "
            "VIGIE_KAFKA_PROTOCOL, _MECHANISM and _CA to what it asks for"
        )
    return BrokerAway(
        f"{subject}: {observed} from Kafka at {where}, asked {as_user()}; expected a broker "
        "there that speaks so. Start it, or set VIGIE_KAFKA to its address, and "
        "VIGIE_KAFKA_PROTOCOL if it wants a login"
    )


def refused(subject: str, error: KafkaError) -> BrokerError:
    """The error of ours that fits the client's `error`."""
    if error.code() in _AWAY:
        return away(subject, error.str())
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return TopicMissing(
            f"{subject}: Kafka at {get_settings().kafka} has no such topic; expected one made by "
            "`vigie up`, by `vigie kafka topics`, or by the first start of the feed's stream"
        )
    if error.code() in _NO_RIGHT:
        return RightMissing(
            f"{subject}: Kafka at {get_settings().kafka} does not let this process do that, asked "
            f"{as_user()}: {error.name()}. Have its administrator run `vigie kafka users` (rights) "
            "or `vigie kafka topics` (a topic, or a change of one), or log in as a user who may"
        )
    return BrokerError(f"{subject}: Kafka refused with {error.name()}: {error.str()}")
