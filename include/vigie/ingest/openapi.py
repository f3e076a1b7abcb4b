"""A feed's readings as a JSON schema, from its contract."""

from __future__ import annotations

from typing import Any

from vigie.contract.feed import Feed, Field

_TYPES = {"float": "number", "integer": "integer", "boolean": "boolean"}


def request_body(feed: Feed) -> dict[str, Any]:
    """The OpenAPI description of a body: one reading, or an array of them."""
    reading = reading_schema(feed)
    example = example_reading(feed)
    content = {
        "schema": {"oneOf": [reading, {"type": "array", "items": reading}]},
        "examples": {"one": {"value": example}, "several": {"value": [example]}},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def example_reading(feed: Feed) -> dict[str, Any]:
    """A reading the stream would store, had it been measured now."""
    example: dict[str, Any] = {}
    _set_at(example, feed.sensor, f"{feed.name}-1")
    _set_at(example, feed.event_time, "2026-11-22T12:00:00.000Z")
    for field in feed.fields.values():
        _set_at(example, field.path, _example(field))
    if feed.position:
        _set_at(example, feed.position.latitude, 48.85)
        _set_at(example, feed.position.longitude, 2.35)
    if feed.status:
        _set_at(example, feed.status.field, feed.status.ok[0])
    return example


def _set_at(message: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path."""
    *parents, leaf = path.split(".")
    for parent in parents:
        message = message.setdefault(parent, {})
    message[leaf] = value


def _example(field: Field) -> Any:
    if field.type == "boolean":
        return True
    low, high = field.valid or (0.0, 100.0)
    middle = low + (high - low) / 4
    return round(middle) if field.type == "integer" else round(middle, 2)


def reading_schema(feed: Feed) -> dict[str, Any]:
    """One reading; what its values may be is told, and judged only by the stream."""
    schema = _object(feed.title)
    _place(schema, feed.sensor, {"type": "string", "description": "The sensor's name"}, True)
    time = {"description": "ISO 8601 with an offset, or epoch milliseconds"}
    _place(schema, feed.event_time, time | {"type": ["string", "integer"]}, True)
    for field in feed.fields.values():
        _place(schema, field.path, _field(field), field.required)
    if feed.position:
        for path in (feed.position.latitude, feed.position.longitude):
            degrees = {"type": ["number", "null"], "description": "Degrees, WGS 84"}
            _place(schema, path, degrees, False)
    if feed.status:
        words = [*feed.status.ok, *feed.status.warning, *feed.status.fault]
        _place(schema, feed.status.field, {"enum": [*words, None]}, False)
    return schema


def _field(field: Field) -> dict[str, Any]:
    unit = f" ({field.unit})" if field.unit else ""
    schema: dict[str, Any] = {"type": [_TYPES[field.type], "null"]}
    schema["description"] = f"{field.description or field.name}{unit}"
    if field.valid and field.type != "boolean":
        schema["minimum"], schema["maximum"] = field.valid
    return schema


def _object(title: str = "") -> dict[str, Any]:
    titled = {"title": title} if title else {}
    return titled | {"type": "object", "properties": {}, "additionalProperties": True}


def _place(schema: dict[str, Any], path: str, part: dict[str, Any], required: bool) -> None:
    *parents, leaf = path.split(".")
    for parent in parents:
        schema = schema["properties"].setdefault(parent, _object())
    schema["properties"][leaf] = part
    if required:
        schema.setdefault("required", []).append(leaf)
