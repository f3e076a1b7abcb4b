from __future__ import annotations

import json

import pytest

from tests.readings import encoded, message, place
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.ingest.items import take_apart
from vigie.ingest.openapi import reading_schema
from vigie.ingest.shape import Message, Wrong, make_check

pytestmark = pytest.mark.unit
each_feed = pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)


def checked(feed: Feed, body: bytes) -> Message | Wrong:
    (item,) = take_apart(body)
    return make_check(feed)(item)


@each_feed
def test_a_reading_becomes_a_message_with_its_sensor_as_key(feed: Feed) -> None:
    body = encoded(feed, unknown=2**70)
    assert checked(feed, body) == Message(b"s-1", body)


@each_feed
@pytest.mark.parametrize(
    "value", [1767355200000, "1767355200000", "2026-03-01T11:59:00Z", "2026-3-1 1:9:0.5+08:00"]
)
def test_a_time_can_be_epoch_milliseconds_or_carry_an_offset(feed: Feed, value: object) -> None:
    assert isinstance(checked(feed, encoded(feed, **{feed.event_time: value})), Message)


@each_feed
@pytest.mark.parametrize(
    "value", [None, "yesterday", "2026-03-01T11:59:00", "2026-03-01", 1.5, True]
)
def test_a_time_that_cannot_be_read_is_refused(feed: Feed, value: object) -> None:
    found = checked(feed, encoded(feed, **{feed.event_time: value}))
    assert isinstance(found, Wrong)
    assert found.field == feed.event_time


@each_feed
@pytest.mark.parametrize("value", [None, "", "a\nb", "x" * 201, " a", "a ", {"a": 1}, ["a"]])
def test_a_reading_needs_a_sensor(feed: Feed, value: object) -> None:
    found = checked(feed, encoded(feed, **{feed.sensor: value}))
    assert isinstance(found, Wrong)
    assert found.field == feed.sensor


@each_feed
def test_a_value_of_another_type_is_refused_and_one_out_of_range_is_not(feed: Feed) -> None:
    field = next(iter(feed.fields.values()))
    wrong = checked(feed, encoded(feed, **{field.path: "warm"}))
    assert wrong == Wrong(field.path, 'found "warm", expected a number')
    assert isinstance(checked(feed, encoded(feed, **{field.path: 1e12})), Message)


@each_feed
def test_a_reading_over_the_contracts_limit_is_refused(feed: Feed) -> None:
    found = checked(feed, encoded(feed, unknown="x" * feed.kafka.max_message))
    assert isinstance(found, Wrong)
    assert found.kind == "oversize"


@each_feed
@pytest.mark.parametrize("body", [b"17", b"[[1]]", b'["text"]', b"[null]"])
def test_an_item_that_is_no_object_is_refused(feed: Feed, body: bytes) -> None:
    found = checked(feed, body)
    assert isinstance(found, Wrong)
    assert "expected one JSON object" in found.reason


@each_feed
def test_the_schema_names_every_part_of_a_reading(feed: Feed) -> None:
    def paths(schema: dict, prefix: str = "") -> set[str]:
        inner = schema.get("properties")
        if inner is None:
            return {prefix}
        return {
            p for name, part in inner.items() for p in paths(part, f"{prefix}.{name}".strip("."))
        }

    full: dict = {}
    for path in paths(reading_schema(feed)):
        place(full, path, None)

    def shape(part: object) -> object:
        return {k: shape(v) for k, v in part.items()} if isinstance(part, dict) else None

    assert shape(full) == shape(json.loads(json.dumps(message(feed))))
