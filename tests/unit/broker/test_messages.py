from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from vigie.broker.messages import make_encoder
from vigie.contract.feed import Feed, Field, Position, Status
from vigie.contract.loader import load_feeds

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def nested() -> Feed:
    return replace(
        load_feeds()["environment"],
        sensor="device.id",
        event_time="reading.time",
        position=Position("place.lat", "place.lon"),
        status=Status("reading.state", ok=("OK",)),
        fields={
            "temperature": Field("temperature", source="reading.temp.value"),
            "count": Field("count", type="integer", source="reading.count"),
            "open": Field("open", type="boolean"),
        },
    )


def test_dotted_paths_become_nested_objects(nested: Feed) -> None:
    values = {
        **{"temperature": 21, "count": 3.0, "open": 1.0},
        **{"latitude": 48.5, "longitude": 2.25, "status": "OK"},
    }
    assert make_encoder(nested)("d-1", NOON, values) == (
        b'{"device":{"id":"d-1"},'
        b'"reading":{"time":"2026-01-02T12:00:00.000Z","temp":{"value":21.0},"count":3,'
        b'"state":"OK"},"open":true,"place":{"lat":48.5,"lon":2.25}}'
    )


def test_missing_values_are_left_out(nested: Feed) -> None:
    values = {"temperature": float("nan"), "count": None}
    message = orjson.loads(make_encoder(nested)("d-1", NOON, values))
    assert message == {"device": {"id": "d-1"}, "reading": {"time": "2026-01-02T12:00:00.000Z"}}


def test_a_fraction_in_an_integer_field_is_not_hidden(nested: Feed) -> None:
    message = orjson.loads(make_encoder(nested)("d-1", NOON, {"count": 3.5, "open": 2}))
    assert (message["reading"]["count"], message["open"]) == (3.5, 2)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (NOON + timedelta(microseconds=1999), "2026-01-02T12:00:00.001Z"),
        (NOON.astimezone(timezone(timedelta(hours=8))), "2026-01-02T12:00:00.000Z"),
    ],
)
def test_event_times_are_utc_cut_to_milliseconds(nested: Feed, at: datetime, written: str) -> None:
    assert orjson.loads(make_encoder(nested)("d", at, {}))["reading"]["time"] == written


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_every_field_of_every_feed_is_written_at_its_path(feed: Feed) -> None:
    message = orjson.loads(make_encoder(feed)("s", NOON, dict.fromkeys(feed.fields, 1.0)))
    for field in feed.fields.values():
        value = message
        for part in field.path.split("."):
            value = value[part]
        assert value == 1
