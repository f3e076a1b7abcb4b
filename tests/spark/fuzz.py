"""Messages that no sensor would send: bytes, JSON, and readings with something wrong in them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.readings import message, place
from vigie.contract.feed import Feed

_SPECIAL = ("NaN", "-Infinity", "1e400", "-0.0", "1e-400", "9" * 40, '"\\u0000"', '"\\ud800"', "{}")
_TIMES = ("2026-03-01T11:59:00Z", "0000-00-00", "2026-02-30T00:00:00Z", "-1", "1e18", "24:00:00")
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
_json = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def fuzzed(feed: Feed) -> st.SearchStrategy[bytes]:
    """What a topic may hold, a third of it near to what the contract asks for."""
    return st.one_of(
        st.binary(max_size=40),
        _json.map(lambda value: json.dumps(value).encode()),
        _nearly(feed),
        _nearly(feed),
        st.tuples(_nearly(feed), st.integers(0, 2000), st.binary(max_size=3)).map(_spliced),
    )


def _nearly(feed: Feed) -> st.SearchStrategy[bytes]:
    paths = [feed.sensor, feed.event_time, *(field.path for field in feed.fields.values())]
    if feed.position:
        paths += [feed.position.latitude, feed.position.longitude]
    if feed.status:
        paths.append(feed.status.field)
    texts = st.one_of(
        _json.map(json.dumps), st.sampled_from(_SPECIAL), st.sampled_from(_TIMES).map(json.dumps)
    )
    changes = st.dictionaries(st.sampled_from(paths), texts, max_size=3)
    return st.tuples(changes, st.integers(0, 40)).map(lambda drawn: _made(feed, *drawn))


def _made(feed: Feed, changes: dict[str, str], step: int) -> bytes:
    one: dict[str, Any] = message(feed, step=step, sensor=f"s-{step % 7}")
    for path in changes:
        place(one, path, f"@{path}@")
    text = json.dumps(one)
    for path, value in changes.items():
        text = text.replace(f'"@{path}@"', value)
    return text.encode("utf-8", "surrogatepass")


def _spliced(drawn: tuple[bytes, int, bytes]) -> bytes:
    value, at, other = drawn
    cut = at % (len(value) + 1)
    return value[:cut] + other + value[cut + len(other) :]
