"""Rules between the parts of a contract, checked on the raw mapping.

They work on what the file says, however wrong its shape, so that one run names every fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticCustomError

from vigie.contract.durations import parse_duration
from vigie.contract.sql_words import SQL_WORDS

_DAY = timedelta(days=1)
_OPERATORS = ("above", "below", "equals")
_RESERVED = frozenset(
    (
        *("sensor", "sensor_id", "event_time", "latitude", "longitude", "status", "is_late"),
        *("kafka_partition", "kafka_offset", "batch_no"),
        *("readings", "alerts", "warnings", "faults", "pane_start", "window_start", "window_end"),
    )
)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a contract: where, what stands there, what should."""

    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.key}: found {self.found}, expected {self.expected}"


def cross_checks(raw: Mapping[str, Any], stem: str) -> Iterator[Fault]:
    """Yield every fault between parts of the contract `raw` of the file named `stem`."""
    for check in (_file_name, _fields, _aliases, _alerts, _windows, _status, _model, _retention):
        yield from check(raw, stem)


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = raw.get(key)
    return part if isinstance(part, Mapping) else {}


def _file_name(raw: Mapping[str, Any], stem: str) -> Iterator[Fault]:
    if raw.get("feed") != stem:
        yield Fault("feed", repr(raw.get("feed")), f"{stem!r}, the name of the file")


def _fields(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    fields = _mapping(raw, "fields")
    if not fields:
        yield Fault("fields", "none", "at least one field")
    for name in fields:
        if name in _RESERVED:
            yield Fault(f"fields.{name}", repr(name), "a name that no column of ours has")
        if name in SQL_WORDS:
            expected = "a name that is no word of SQL; `source` may still say where it stands"
            yield Fault(f"fields.{name}", repr(name), expected)
    paths: dict[str, str] = {}
    for key, path in _paths(raw):
        if not isinstance(path, str):
            continue
        for other, owner in paths.items():
            if path == other or path.startswith(other + ".") or other.startswith(path + "."):
                yield Fault(key, repr(path), f"a JSON path that {owner} ({other!r}) does not use")
        paths[path] = key


def _aliases(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    for part, name in _mapping(raw, "aliases").items():
        if str(name) in SQL_WORDS:
            yield Fault(f"aliases.{part}", repr(name), "a name that is no word of SQL")


def _paths(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "sensor", raw.get("sensor")
    yield "event_time", raw.get("event_time")
    for axis, path in _mapping(raw, "position").items():
        yield f"position.{axis}", path
    if "field" in _mapping(raw, "status"):
        yield "status.field", _mapping(raw, "status")["field"]
    for name, spec in _mapping(raw, "fields").items():
        source = spec.get("source") if isinstance(spec, Mapping) else None
        yield f"fields.{name}", source or name


def _alerts(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    fields = _mapping(raw, "fields")
    for name, alert in _mapping(raw, "alerts").items():
        key = f"alerts.{name}.when"
        when = alert.get("when") if isinstance(alert, Mapping) else None
        if not isinstance(when, Mapping):
            continue
        if when.get("field") not in fields:
            yield Fault(f"{key}.field", repr(when.get("field")), f"one of {', '.join(fields)}")
        given = [operator for operator in _OPERATORS if when.get(operator) is not None]
        if len(given) != 1:
            expected = f"exactly one of {', '.join(_OPERATORS)}"
            yield Fault(key, ", ".join(given) or "no operator", expected)


def _duration(text: object) -> timedelta | None:
    try:
        return parse_duration(text)
    except PydanticCustomError:
        return None


def _windows(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    windows = _mapping(raw, "windows")
    pane = _duration(windows.get("pane"))
    if pane is None:
        return
    if _DAY % pane:
        yield Fault("windows.pane", repr(windows["pane"]), "a length that divides a day")
    sliding = windows.get("sliding")
    for i, window in enumerate(sliding if isinstance(sliding, list) else []):
        for part in ("length", "slide"):
            found = window.get(part) if isinstance(window, Mapping) else None
            length = _duration(found)
            if length is not None and length % pane:
                expected = f"a multiple of the pane ({windows['pane']})"
                yield Fault(f"windows.sliding.{i}.{part}", repr(found), expected)
    if "windows" in _mapping(raw, "aliases") and not sliding:
        yield Fault("aliases.windows", "no windows", "sliding windows in `windows.sliding`")


def _status(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for level in ("ok", "warning", "fault"):
        words = _mapping(raw, "status").get(level)
        for word in words if isinstance(words, list) else []:
            if word in seen:
                yield Fault(f"status.{level}", repr(word), f"a word not already in {seen[word]}")
            seen[str(word)] = level


def _model(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    model, fields = _mapping(raw, "model"), _mapping(raw, "fields")
    if model and model.get("target") not in fields:
        yield Fault("model.target", repr(model.get("target")), f"one of {', '.join(fields)}")


def _retention(raw: Mapping[str, Any], _: str) -> Iterator[Fault]:
    """Panes outlive the readings they sum up, or the account of a day would not close."""
    retention = _mapping(raw, "retention")
    panes, readings = (_duration(retention.get(part)) for part in ("panes", "readings"))
    if panes is None:
        return
    if "readings" not in retention:
        expected = "retention.readings too, which are kept for ever"
        yield Fault("retention.panes", repr(retention["panes"]), expected)
    elif readings is not None and readings > panes:
        expected = f"at least as long as the readings ({retention['readings']})"
        yield Fault("retention.panes", repr(retention["panes"]), expected)
