"""Says of a malformed message what is wrong with it, so that a person can mend the sender."""

from __future__ import annotations

import json
from typing import Any

import orjson

from vigie.contract.feed import Feed

SENSOR_EXPECTED = (
    "expected 1 to 200 characters of text, no control characters, no blank at either end"
)
"""What a sensor's name must be."""
_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {"float": _NUMBER, "integer": (int,), "boolean": (bool,)}
_EXPECTED = {"float": "a number", "integer": "a whole number", "boolean": "true or false"}


def explain(raw: bytes | None, feed: Feed) -> str:
    """One sentence: what was found where, and what was expected.

    Args:
        raw: The message's bytes, possibly cut short; None for a record without a value.
        feed: The contract the message should follow.
    """
    if not raw:
        return "empty message, expected a JSON object"
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(message, dict):
        return f"found {_name(message)}, expected one JSON object per message"
    wrong = wrong_type(message, feed)
    return (
        ": ".join(wrong) if wrong else "not a JSON object that can be read with this feed's types"
    )


def wrong_type(message: dict[str, Any], feed: Feed) -> tuple[str, str] | None:
    """The first value of another type than the contract's: its path, and found and expected."""
    for path, kinds, expected in _expectations(feed):
        value = value_at(message, path)
        if value is not None and (not isinstance(value, kinds) or _is_odd_bool(value, kinds)):
            return path, f"found {_show(value)}, expected {expected}"
    return None


def _expectations(feed: Feed) -> list[tuple[str, tuple[type, ...], str]]:
    parts = [(f.path, _TYPES[f.type], _EXPECTED[f.type]) for f in feed.fields.values()]
    if feed.position:
        for path in (feed.position.latitude, feed.position.longitude):
            parts.append((path, _NUMBER, "a number of degrees"))
    return parts


def _is_odd_bool(value: Any, kinds: tuple[type, ...]) -> bool:
    """In Python a boolean is an integer; in a message it is not."""
    return isinstance(value, bool) and bool not in kinds


def value_at(message: dict[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    value: Any = message
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _name(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _show(value: Any) -> str:
    # Control characters are escaped, among them NUL, which PostgreSQL cannot store in text.
    return json.dumps(value, ensure_ascii=False, default=str)[:60]
