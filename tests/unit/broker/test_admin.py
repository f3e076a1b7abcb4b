from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from tests.services import environment
from vigie.broker import topics
from vigie.broker.admin import OncePerMinute, get_admin, refused
from vigie.errors import BrokerAway, BrokerError, RightMissing, TopicMissing


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError._TIMED_OUT, BrokerAway),
        (KafkaError._ALL_BROKERS_DOWN, BrokerAway),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMissing),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, RightMissing),
        (KafkaError.POLICY_VIOLATION, BrokerError),
    ],
)
def test_a_broker_that_is_away_is_told_from_a_missing_topic(
    code: int, kind: type[BrokerError]
) -> None:
    error = refused("topic readings.x", KafkaError(code))
    assert type(error) is kind
    assert str(error).startswith("topic readings.x: ")


def test_the_client_repeats_itself_once_a_minute() -> None:
    def record(text: str, at: float) -> logging.LogRecord:
        made = logging.makeLogRecord({"msg": text})
        made.created = at
        return made

    said = [
        *(record("refused (after 1ms)", 100), record("refused (after 7ms)", 130)),
        *(record("other", 131), record("refused (after 2ms)", 161)),
    ]
    once = OncePerMinute()
    assert [once.filter(each) for each in said] == [True, False, True, True]


def test_threads_that_ask_together_share_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> object:
        time.sleep(0.1)
        return object()

    monkeypatch.setattr("vigie.broker.admin.AdminClient", slow)
    with environment(VIGIE_KAFKA="together:1"), ThreadPoolExecutor(4) as pool:
        found = {id(client) for client in pool.map(lambda _: get_admin(), range(4))}
    assert len(found) == 1


def test_a_broker_that_falls_silent_while_a_topic_is_made_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent:
        """Knows no topic, and never says whether it made one."""

        def describe_configs(self, resources: list[object], **_: object) -> dict:
            missing: Future[object] = Future()
            missing.set_exception(
                KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "no such topic"))
            )
            return dict.fromkeys(resources, missing)

        def create_topics(self, made: list[NewTopic], **_: object) -> dict:
            return {topic.topic: Future() for topic in made}

    monkeypatch.setattr(topics, "get_admin", Silent)
    monkeypatch.setattr(topics, "_TIMEOUT", 0.01)
    with pytest.raises(BrokerAway, match=r"topic alerts: no answer within 0\.01 s"):
        topics.ensure_alerts_topic()
