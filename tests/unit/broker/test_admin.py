from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from vigie.broker.admin import OncePerMinute, refused
from vigie.errors import BrokerAway, BrokerError, TopicMissing


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError._TIMED_OUT, BrokerAway),
        (KafkaError._ALL_BROKERS_DOWN, BrokerAway),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMissing),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, BrokerError),
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
