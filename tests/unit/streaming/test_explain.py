from __future__ import annotations

import json

import pytest

from tests.readings import encoded
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.streaming.explain import explain

FEEDS = list(load_feeds().values())


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_wrong_type_names_field_value_and_expectation(feed: Feed) -> None:
    for field in feed.fields.values():
        text = explain(encoded(feed, **{field.path: "warm\0"}), feed)

        assert text.startswith(f"{field.path}: found ")
        assert "\\u0000" in text
        assert "\0" not in text
        assert "expected" in text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, "empty message"),
        (b"", "empty message"),
        (b"{", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[1]", "found an array, expected one JSON object"),
        (b"12", "found a number"),
    ],
)
def test_what_is_no_object_is_named(raw: bytes | None, expected: str) -> None:
    assert expected in explain(raw, FEEDS[0])


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_boolean_is_no_number(feed: Feed) -> None:
    name, field = next((n, f) for n, f in feed.fields.items() if f.type != "boolean")

    assert f"{field.path}: found true" in explain(json.dumps({name: True}).encode(), feed)
