"""Rules between the parts of a recipe and its feed's contract, checked on the raw mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vigie.contract.checks import Fault
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

_SENSOR = ("value", "column", "file")
_TIME = ("columns", "start", "file")


def cross_checks(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    """Yield every fault between parts of the recipe `raw`, and between it and its feed."""
    yield from _one_of(raw, "sensor", _SENSOR)
    yield from _one_of(raw, "time", _TIME)
    yield from _time(_mapping(raw, "time"))
    if raw.get("content") == "senml":
        for key in ("separator", "decimal"):
            if key in raw:
                yield Fault(key, repr(raw[key]), "nothing, since SenML has none")
    feeds = load_feeds()
    feed = feeds.get(str(raw.get("feed")))
    if feed is None:
        yield Fault("feed", repr(raw.get("feed")), f"one of {', '.join(feeds)}")
    else:
        yield from _fields(raw, feed)


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = raw.get(key)
    return part if isinstance(part, Mapping) else {}


def _one_of(raw: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> Iterator[Fault]:
    given = [choice for choice in choices if choice in _mapping(raw, key)]
    if len(given) != 1:
        yield Fault(key, ", ".join(given) or "none", f"exactly one of {', '.join(choices)}")


def _time(time: Mapping[str, Any]) -> Iterator[Fault]:
    for key, users in (("step", ("start", "file")), ("format", ("columns", "file"))):
        used = any(user in time for user in users)
        if used and key not in time:
            yield Fault(f"time.{key}", "nothing", f"a value, since {' or '.join(users)} is given")
        if key in time and not used:
            yield Fault(f"time.{key}", repr(time[key]), f"nothing without {' or '.join(users)}")


def _fields(raw: Mapping[str, Any], feed: Feed) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for column, spec in _mapping(raw, "columns").items():
        name = str(spec.get("field") if isinstance(spec, Mapping) else spec)
        if name not in feed.fields:
            yield Fault(f"columns.{column}", repr(name), f"one of {', '.join(feed.fields)}")
        if name in seen:
            yield Fault(f"columns.{column}", repr(name), f"a field that {seen[name]!r} has not")
        seen[name] = column
    for part, known in (("position", feed.position), ("status", feed.status)):
        if part in raw and known is None:
            yield Fault(part, repr(raw[part]), f"nothing, since feed {feed.name} has none")
