"""Which columns a query in M gives, step by step; a step of a form it does not know is a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Columns = dict[str, str]
"""Name → data type, as the model calls it."""

_TYPES = {
    "type text": "string",
    "type nullable number": "double",
    "type date": "dateTime",
    "Int64.Type": "int64",
    "text": "string",
    "date": "dateTime",
}
_STEP = re.compile(r"    (\w+) = (.+?),?(?=\n    \w+ = |\nin\n)", re.DOTALL)
_VIEW = re.compile(r'Database\{\[Schema = "(\w+)", Item = "(\w+)"\]\}\[Data\]')
_ROWS = re.compile(r"Table\.SelectRows\((\w+), each (.+)\)")
_ADD = re.compile(r'Table\.AddColumn\((\w+), "(\w+)", each (.+), ([\w. ]+)\)')
_RENAME = re.compile(r"Table\.RenameColumns\((\w+), \{(.+)\}\)")
_SELECT = re.compile(r"Table\.SelectColumns\((\w+), \{(.+)\}\)")
_COMBINE = re.compile(r"Table\.Combine\(\{(.+)\}\)")
_CONSTANT = re.compile(r"#table\(type table \[(.+?)\], \{.*\}\)", re.DOTALL)
_LIST = re.compile(r"Table\.FromList\(\w+, Splitter\.SplitByNothing\(\), type table \[(.+?)\]\)")
_SCALAR = re.compile(r"(#date|Date\.AddDays|List\.Dates)\(.+\)")
_DATABASE = "Sql.Database(SqlServer, SqlDatabase)"


class Unknown(Exception):
    """A step cannot be understood, or names what is not there."""


def columns(m: str, views: Mapping[str, Columns]) -> Columns:
    """The columns of the query's result.

    Raises:
        Unknown: A view or column is not there, or a step has a form that is not known.
    """
    match = re.fullmatch(r"let\n(.+)\nin\n    (\w+)", m, re.DOTALL)
    if match is None:
        raise Unknown("not of the form: let … in …")
    steps: dict[str, Columns] = {}
    scalars = {"Database"}
    end = 0
    body = match[1] + "\nin\n"
    for step in _STEP.finditer(body):
        if body[end : step.start()].strip(",\n"):
            raise Unknown(f"not a step: {body[end : step.start()]!r}")
        end = step.end()
        name, value = step[1], step[2]
        if value == _DATABASE or _SCALAR.fullmatch(value):
            scalars.add(name)
            continue
        steps[name] = _step(value, steps, views)
    if body[end:].strip() != "in":
        raise Unknown(f"not a step: {body[end:]!r}")
    if match[2] not in steps:
        raise Unknown(f"the result {match[2]!r} is no table")
    return steps[match[2]]


def _step(value: str, steps: Mapping[str, Columns], views: Mapping[str, Columns]) -> Columns:
    if match := _VIEW.fullmatch(value):
        if match[1] != "report" or match[2] not in views:
            raise Unknown(f"{match[1]}.{match[2]} is no view of the warehouse")
        return dict(views[match[2]])
    if match := _CONSTANT.fullmatch(value) or _LIST.fullmatch(value):
        return dict(_typed(match[1]))
    if match := _COMBINE.fullmatch(value):
        parts = [_table(name, steps) for name in match[1].split(", ")]
        if any(set(part) != set(parts[0]) for part in parts):
            raise Unknown("the tables combined have different columns")
        return {name: _common(name, parts) for name in parts[0]}
    if match := _ROWS.fullmatch(value):
        return _each(match[2], _table(match[1], steps))
    if match := _ADD.fullmatch(value):
        before = _each(match[3], _table(match[1], steps))
        if match[2] in before:
            raise Unknown(f"column {match[2]} is there before it is added")
        return before | {match[2]: _TYPES[match[4]]}
    if match := _RENAME.fullmatch(value):
        pairs = dict(re.findall(r'\{"(\w+)", "(\w+)"\}', match[2]))
        before = _table(match[1], steps)
        _require(pairs, before)
        return {pairs.get(name, name): kind for name, kind in before.items()}
    if match := _SELECT.fullmatch(value):
        before = _table(match[1], steps)
        names = re.findall(r'"(\w+)"', match[2])
        _require(names, before)
        return {name: before[name] for name in names}
    raise Unknown(f"a step of unknown form: {value[:80]}")


def _table(name: str, steps: Mapping[str, Columns]) -> Columns:
    if name not in steps:
        raise Unknown(f"no step {name!r} before")
    return steps[name]


def _each(expression: str, before: Columns) -> Columns:
    without_text = re.sub(r'"(?:[^"]|"")*"', "", expression)
    _require(re.findall(r"\[(\w+)\]", without_text), before)
    return before


def _require(names: object, before: Columns) -> None:
    missing = [name for name in names if name not in before]  # type: ignore[attr-defined]
    if missing:
        raise Unknown(f"no column {', '.join(missing)} in what is read there")


def _common(name: str, parts: list[Columns]) -> str:
    kinds = {part[name] for part in parts}
    if len(kinds) > 1:
        raise Unknown(f"column {name} is {' and '.join(sorted(kinds))} in the tables combined")
    return kinds.pop()


def _typed(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(", "):
        name, _, kind = part.partition(" = ")
        yield name, _TYPES[kind]
