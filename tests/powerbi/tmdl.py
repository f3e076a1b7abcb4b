"""A strict reader of TMDL: what it does not know, it refuses, with file and line.

Microsoft's own reader runs on Windows, or in a preview that may not be passed on; public ones let
wrong types and indentation pass. This one knows the part of TMDL that our model uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_TYPES = {"string", "int64", "double", "boolean", "dateTime"}
_ANY = None
# Kind of object → its properties. A set lists the values allowed; with an empty one the name alone
# says it.
_PROPERTIES: dict[str, dict[str, set[str] | None]] = {
    "database": {"compatibilityLevel": {"1604"}},
    "model": {
        "culture": _ANY,
        "defaultPowerBIDataSourceVersion": {"powerBI_V3"},
        "discourageImplicitMeasures": set(),
        "sourceQueryCulture": _ANY,
    },
    "dataAccessOptions": {"legacyRedirects": set(), "returnErrorValuesAsNull": set()},
    "annotation": {},
    "ref": {},
    "expression": {"lineageTag": _ANY},
    "relationship": {"fromColumn": _ANY, "toColumn": _ANY},
    "role": {"modelPermission": {"read"}},
    "tablePermission": {},
    "table": {"isHidden": set(), "lineageTag": _ANY, "dataCategory": {"Time"}},
    "column": {
        "dataType": _TYPES,
        "isKey": set(),
        "isHidden": set(),
        "formatString": _ANY,
        "lineageTag": _ANY,
        "dataCategory": {"Latitude", "Longitude"},
        "summarizeBy": {"none"},
        "sourceColumn": _ANY,
        "sortByColumn": _ANY,
    },
    "measure": {
        "formatString": _ANY,
        "isHidden": set(),
        "displayFolder": _ANY,
        "lineageTag": _ANY,
    },
    "partition": {"mode": {"import", "directQuery"}, "source": _ANY},
    "refreshPolicy": {
        "policyType": {"basic"},
        "rollingWindowGranularity": {"day", "month", "year"},
        "rollingWindowPeriods": _ANY,
        "incrementalGranularity": {"day", "month", "year"},
        "incrementalPeriods": _ANY,
        "sourceExpression": _ANY,
    },
}
_CHILDREN = {
    "": {"database", "model", "annotation", "ref", "expression", "relationship", "role", "table"},
    "model": {"dataAccessOptions"},
    "role": {"tablePermission"},
    "table": {"column", "measure", "partition", "refreshPolicy"},
}
_REQUIRED = {
    "column": {"dataType", "lineageTag", "summarizeBy", "sourceColumn"},
    "measure": {"displayFolder", "lineageTag"},
    "partition": {"mode", "source"},
    "relationship": {"fromColumn", "toColumn"},
    "role": {"modelPermission"},
}
_NAMELESS = {"refreshPolicy", "dataAccessOptions", "database"}
_NAME = r"(?:'(?:[^']|'')+'|[^\s'=:.]+)"
_OBJECT = re.compile(rf"(\w+)(?: ((?:table |role )?{_NAME}))?(?: =(?: (.*))?)?")
_PROPERTY = re.compile(r"(\w+)(?:: (.+)| =(?: (.*))?)?")


@dataclass
class Node:
    """One object: its kind, name, properties, expression, and the objects in it."""

    kind: str
    name: str
    place: str
    expression: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    described: bool = False

    def all(self, kind: str) -> list[Node]:
        return [child for child in self.children if child.kind == kind]


@dataclass
class Read:
    """The objects of a file or folder, and what was wrong with its text."""

    root: Node
    faults: list[str]


@dataclass
class _Line:
    number: int
    level: int
    text: str


def read_folder(folder: Path) -> Read:
    """Read every `.tmdl` file under a folder."""
    whole = Read(Node("", "", str(folder)), [])
    for path in sorted(folder.rglob("*.tmdl")):
        read = read_text(path.read_text("utf-8"), path.relative_to(folder).as_posix())
        whole.root.children += read.root.children
        whole.faults += read.faults
    return whole


def read_text(text: str, file: str) -> Read:
    """Read one file."""
    faults: list[str] = []
    root = Node("", "", file)
    stack = [root]
    lines = list(_lines(text, file, faults))
    described = False
    at = 0
    while at < len(lines):
        line = lines[at]
        place = f"{file}:{line.number}"
        at += 1
        if line.text.startswith("///"):
            described = True
            continue
        if line.level >= len(stack):
            faults.append(f"{place}: indented too far: {line.text!r}")
            continue
        del stack[line.level + 1 :]
        parent = stack[-1]
        block: list[_Line] = []
        if line.text.endswith(" ="):
            while at < len(lines) and lines[at].level > line.level + 1:
                block.append(lines[at])
                at += 1
            if not block:
                faults.append(f"{place}: nothing follows {line.text!r}")
        indent = line.level + 2
        expression = "\n".join("\t" * (part.level - indent) + part.text for part in block)
        node = _object(line.text, parent, place)
        if node:
            node.expression = expression or node.expression
            node.described = described
            parent.children.append(node)
            stack.append(node)
        else:
            faults += _property(line.text, expression, parent, place)
        described = False
    return Read(root, faults + [fault for child in root.children for fault in _missing(child)])


def unquoted(name: str) -> str:
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def _lines(text: str, file: str, faults: list[str]) -> Iterator[_Line]:
    for number, raw in enumerate(text.splitlines(), 1):
        bare = raw.lstrip("\t")
        if not bare.strip():
            continue
        level = len(raw) - len(bare)
        if bare.startswith(" ") and level == 0:
            faults.append(f"{file}:{number}: indented by spaces, not tabs")
        yield _Line(number, level, bare.rstrip())


def _object(text: str, parent: Node, place: str) -> Node | None:
    match = _OBJECT.fullmatch(text)
    if match is None or match[1] not in _CHILDREN.get(parent.kind, ()):
        return None
    kind, name = match[1], match[2] or ""
    if (kind in _NAMELESS) == bool(name):
        return None
    return Node(kind, unquoted(name), place, match[3] or "")


def _property(text: str, expression: str, parent: Node, place: str) -> Iterator[str]:
    match = _PROPERTY.fullmatch(text)
    allowed = _PROPERTIES.get(parent.kind, {})
    if match is None or match[1] not in allowed:
        yield f"{place}: {text!r} is nothing that a {parent.kind or 'file'} has"
        return
    name, value = match[1], match[2] or match[3] or expression
    values = allowed[name]
    if name in parent.properties:
        yield f"{place}: {name} is given twice"
    if values == set() and value:
        yield f"{place}: {name} takes no value, found {value!r}"
    elif values and value not in values:
        yield f"{place}: {name}: found {value!r}, expected one of {sorted(values)}"
    elif values is None and not value:
        yield f"{place}: {name} has no value"
    parent.properties[name] = value


def _missing(node: Node) -> Iterator[str]:
    for name in sorted(_REQUIRED.get(node.kind, set()) - node.properties.keys()):
        yield f"{node.place}: {node.kind} {node.name!r} has no {name}"
    if node.kind in ("measure", "tablePermission", "expression") and not node.expression:
        yield f"{node.place}: {node.kind} {node.name!r} has no expression"
    for child in node.children:
        yield from _missing(child)
