"""The HTTP entrance refuses nothing that the stream would store."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.bad_messages import is_json
from tests.readings import encoded, place
from tests.spark.test_judge import each_feed, judged
from vigie.contract.feed import Feed
from vigie.errors import BodyError
from vigie.ingest.items import take_apart
from vigie.ingest.shape import Message, make_check

pytestmark = pytest.mark.spark

MESSAGES = 3000
_TIMES = [
    *(1767355200000, -5, 0, 17673552000, "1767355200000", " 1767355200000 ", "+1767355200000"),
    *("2026-03-01T11:59:00Z", "2026-03-01 11:59:00.123456789+01:00", "2026-3-1T1:9Z00000"),
    *("2026-03-01T11:59:00-0530", "2026-03-01T11:59:00+08", "2026-03-01T11:59Z", "T11:59Z"),
    *("2026-03-01T11:59:00 Z", "2026-03-01T11:59:00UTC+01:00", "2026-03-01T11:59:00 GMT-8:30"),
    *("0002026-03-01T11:59Z", "0002026-03-01T11Z", "2026-03-01T11+01:00", "2026-03-01+01:00"),
    *("2026-03+01:00:00Z", "2026-03-01T11:59:00z", "2026-03-01t11:59:00Z", "2026-03-01T24:00:00Z"),
    *("2026-03-01T11:59:00.Z", "2026-03-01T11:59:00+18:00", "2026-03-01T11:59:00+1:00"),
    *("2026-03-01T11:59:00Europe/Paris", "2026-03-01T11:59:00+01:00:30", "2026-13-01T00:00:00Z"),
    *("1.767e12", 1767355200000.0, 1.767e12, "+2026-03-01T11:59:00Z", "2026-03-01T11:59:00"),
    *("epochZ", "now", "", None, True, [1], {"a": 1}, 2**63, 2**70, "\uff11" * 13),
]
_VALUES = [
    *(0, 1, -1, 0.5, 1e10, 1e300, 2**40, 2**63 - 1, 2**63, 2**70, True, False, None, "", "1", "OK"),
    *("true", "NaN", "é", "a\nb", "\x00", " s ", "x" * 200, "x" * 201, "[1]", "{", [], [1], {}),
    {"value": 1},
]


def _changed(feed: Feed, draw: Random) -> bytes:
    """A valid message with one to three values exchanged, then perhaps a few bytes."""
    paths = [feed.sensor, *(f.path for f in feed.fields.values()), "unknown"]
    if feed.position:
        paths += [feed.position.latitude, feed.position.longitude]
    if feed.status:
        paths.append(feed.status.field)
    changes: dict[str, Any] = {}
    for _ in range(draw.randint(1, 3)):
        if draw.random() < 0.5:
            changes[feed.event_time] = draw.choice(_TIMES)
        else:
            changes[draw.choice(paths)] = draw.choice(_VALUES)
    result = json.loads(encoded(feed))
    for path, value in changes.items():
        place(result, path, value)
    text = json.dumps(result, ensure_ascii=draw.random() < 0.5).encode()
    if draw.random() < 0.2:
        at = draw.randrange(len(text))
        noise = bytes([draw.choice(b' \t\n",:{}[]0123456789.eE+-tfn\\u\x00\xff')])
        text = text[:at] + noise + text[at + draw.randint(0, 1) :]
    return text


def _is_taken(feed: Feed, text: bytes) -> bool:
    try:
        (item,) = take_apart(text)
    except (BodyError, ValueError):
        return False
    return isinstance(make_check(feed)(item), Message)


@each_feed
def test_what_the_stream_would_store_is_taken(spark: SparkSession, feed: Feed) -> None:
    draw = Random(feed.name)
    messages = [_changed(feed, draw) for _ in range(MESSAGES)]

    stored = [
        m
        for m, row in zip(messages, judged(spark, feed, messages), strict=True)
        if row["reason"] is None
    ]

    # Spark reads some text that is no JSON; the entrance takes JSON alone.
    refused = [m for m in stored if is_json(m) and not _is_taken(feed, m)]
    assert refused == []
    assert MESSAGES / 10 < len(stored) < MESSAGES
