"""Whether a semantic model holds together, and reads what the warehouse has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.powerbi import dax
from tests.powerbi.power_query import Columns, Unknown, columns
from tests.powerbi.tmdl import Node, unquoted


@dataclass(frozen=True)
class Model:
    """What names there are: columns of each table, and the measures."""

    root: Node

    @property
    def tables(self) -> dict[str, Node]:
        return {node.name: node for node in self.root.all("table")}

    @property
    def columns(self) -> dict[str, set[str]]:
        return {
            name: {column.name for column in table.all("column")}
            for name, table in self.tables.items()
        }

    @property
    def measures(self) -> dict[str, str]:
        """Measure → its table."""
        return {
            measure.name: table.name
            for table in self.tables.values()
            for measure in table.all("measure")
        }


def model_faults(model: Model, views: Mapping[str, Columns]) -> Iterator[str]:
    yield from _names(model)
    for table in model.tables.values():
        yield from _queries(table, views)
        yield from _columns(table)
    yield from _relationships(model)
    yield from _expressions(model)
    yield from _roles(model)
    listed = {unquoted(n.name.partition(" ")[2]) for n in model.root.all("ref")}
    there = model.tables.keys() | {role.name for role in model.root.all("role")}
    for name in sorted(listed ^ there):
        yield f"model.tmdl: {name!r} is listed by `ref` or has a file, not both"


def _names(model: Model) -> Iterator[str]:
    """Names differ by more than the case of letters."""
    yield from _twice("table", (table.name for table in model.root.all("table")))
    every = [m.name for table in model.tables.values() for m in table.all("measure")]
    yield from _twice("measure", every)
    tags = []
    for table in model.tables.values():
        parts = [*table.all("column"), *table.all("measure")]
        yield from _twice(f"name in table {table.name}", (part.name for part in parts))
        tags += [part.properties.get("lineageTag", part.place) for part in [table, *parts]]
    yield from _twice("lineageTag", tags)


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            yield f"{what} {name!r} is there {count} times"


def _queries(table: Node, views: Mapping[str, Columns]) -> Iterator[str]:
    partitions = table.all("partition")
    if len(partitions) != 1:
        yield f"{table.place}: table {table.name} has {len(partitions)} partitions, expected one"
        return
    m = partitions[0].properties.get("source", "")
    try:
        given = columns(m, views)
    except Unknown as error:
        yield f"{partitions[0].place}: table {table.name}: {error}"
        return
    for column in table.all("column"):
        source = column.properties.get("sourceColumn", "")
        kind = column.properties.get("dataType")
        if source not in given:
            yield f"{column.place}: {table.name}[{column.name}]: its query gives no {source!r}"
        elif given[source] != kind:
            found = given[source]
            yield f"{column.place}: {table.name}[{column.name}] is {kind}, the view has {found}"
    for policy in table.all("refreshPolicy"):
        if "RangeStart" not in m or "RangeEnd" not in m:
            yield f"{policy.place}: table {table.name}: its query ignores RangeStart or RangeEnd"
        if policy.properties.get("sourceExpression") != m:
            yield f"{policy.place}: table {table.name}: partition and policy have different queries"


def _columns(table: Node) -> Iterator[str]:
    names = {column.name for column in table.all("column")}
    for column in table.all("column"):
        by = column.properties.get("sortByColumn")
        if by and unquoted(by) not in names:
            yield f"{column.place}: {table.name}[{column.name}] is sorted by {by}: no such column"


def _relationships(model: Model) -> Iterator[str]:
    for node in model.root.all("relationship"):
        ends = []
        for end in ("fromColumn", "toColumn"):
            table, _, column = node.properties.get(end, "").rpartition(".")
            table, column = unquoted(table), unquoted(column)
            found = [
                c
                for c in (model.tables[table].all("column") if table in model.tables else [])
                if c.name == column
            ]
            if not found:
                yield f"{node.place}: {end}: no column {table}[{column}]"
            ends += found
        if len(ends) == 2:
            if ends[0].properties.get("dataType") != ends[1].properties.get("dataType"):
                yield f"{node.place}: its two columns have different types"
            if "isKey" not in ends[1].properties:
                yield f"{node.place}: toColumn {ends[1].name} is no key"


def _expressions(model: Model) -> Iterator[str]:
    tables, measures = model.columns, model.measures.keys()
    holders = [m for table in model.tables.values() for m in table.all("measure")]
    holders += [p for role in model.root.all("role") for p in role.all("tablePermission")]
    for holder in holders:
        for fault in dax.faults(holder.expression, tables, measures):
            yield f"{holder.place}: {holder.kind} {holder.name!r}: {fault}"


def _roles(model: Model) -> Iterator[str]:
    """A role that forgets a live table would show all of it."""
    live = {
        name
        for name, table in model.tables.items()
        if any(p.properties.get("mode") == "directQuery" for p in table.all("partition"))
    }
    for role in model.root.all("role"):
        permitted = {permission.name for permission in role.all("tablePermission")}
        for name in sorted(permitted - model.tables.keys()):
            yield f"{role.place}: role {role.name!r}: no table {name}"
        for name in sorted(live | {"Sensor"} - permitted):
            if name not in permitted:
                yield f"{role.place}: role {role.name!r} leaves {name} open to all"
