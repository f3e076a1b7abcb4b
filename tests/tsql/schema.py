"""Runs migration files on a schema model. Runs in the process of `server.py` only.

DacFx's model knows what is created, and nothing of ALTER or DROP; so what files alter and drop is
done here to the trees of what they created, and the model is given what is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from grammar import Fault, errors, parse, text
from Microsoft.SqlServer.Dac.Model import (
    DacQueryScopes,
    SqlServerVersion,
    TableValuedFunction,
    TSqlModel,
    TSqlModelOptions,
    View,
)
from Microsoft.SqlServer.TransactSql import ScriptDom

_NAME = re.compile(r"\[([^\]]+)\]")


@dataclass
class _Made:
    """An object: where it was made, its tree, and its text if that still says all of it."""

    file: str
    line: int
    tree: Any
    sql: str | None

    @property
    def script(self) -> str:
        """The statement that makes it as it is now."""
        if self.sql is not None:
            return self.sql
        return str(ScriptDom.Sql150ScriptGenerator().GenerateScript(self.tree))


def model(files: dict[str, str], statements: dict[str, str]) -> dict[str, Any]:
    """See `scriptdom.model`."""
    run = _Run()
    for file, sql in files.items():
        found = errors(sql)
        run.faults += [{**fault, "file": file} for fault in found]
        if not found:
            script, _ = parse(sql)
            for batch in script.Batches:
                for statement in batch.Statements:
                    run.do(file, statement)
    for name, sql in statements.items():
        found = errors(sql)
        run.faults += [{**fault, "file": name} for fault in found]
        if not found:
            run.bind(name, sql)
    return run.answer()


class _Run:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.made: dict[str, _Made] = {}

    def do(self, file: str, statement: Any) -> None:
        """Do to the model what the statement would do to a database."""
        kind = type(statement).__name__
        if kind == "AlterTableAddTableElementStatement":
            self._add(file, statement)
        elif kind.startswith("Drop") and hasattr(statement, "Objects"):
            for dropped in statement.Objects:
                if self.made.pop(_full(dropped), None) is None:
                    self._fault(file, dropped, f"drops {_full(dropped)}, which is not there")
        elif kind.startswith("Create"):
            key = _key(kind, statement)
            if key in self.made:
                self._fault(file, statement, f"creates {key}, which is there already")
                return
            self.made[key] = _Made(file, statement.StartLine, statement, text(statement))
        elif kind.endswith("Statement") and kind.split("Statement")[0] in ("Grant", "Deny"):
            key = f"{kind} {text(statement)}"
            self.made[key] = _Made(file, statement.StartLine, statement, text(statement))
        elif kind != "RevokeStatement":
            self.bind(file, text(statement), statement.StartLine)

    def bind(self, file: str, sql: str, line: int = 1) -> None:
        """Bind a statement's names: the model does so within a procedure."""
        key = f"bound.s{len(self.made)}"
        self.made.setdefault("schema bound", _Made(file, 1, None, "CREATE SCHEMA bound"))
        # On the line of its own text, less that of the wrapper.
        wrapped = f"CREATE PROCEDURE {key} AS BEGIN\n{sql}\nEND"
        self.made[key] = _Made(file, line - 1, None, wrapped)

    def _add(self, file: str, statement: Any) -> None:
        made = self.made.get(_full(statement.SchemaObjectName))
        if made is None:
            name = _full(statement.SchemaObjectName)
            self._fault(file, statement, f"alters {name}, which is not there")
            return
        for part in ("ColumnDefinitions", "TableConstraints", "Indexes"):
            for new in getattr(statement.Definition, part):
                getattr(made.tree.Definition, part).Add(new)
        made.sql = None

    def _fault(self, file: str, node: Any, message: str) -> None:
        place = {"line": node.StartLine, "column": node.StartColumn}
        self.faults.append({"file": file, **place, "message": message})

    def answer(self) -> dict[str, Any]:
        """Validate the model and describe what is in it."""
        schema = TSqlModel(SqlServerVersion.Sql150, TSqlModelOptions())
        for key, made in self.made.items():
            try:
                schema.AddOrUpdateObjects(made.script, key, None)
            except Exception as error:
                message = str(error).splitlines()[0]
                self.faults.append(
                    {"file": made.file, "line": made.line, "column": 1, "message": message}
                )
        for found in schema.Validate():
            if str(found.MessageType) == "Error":
                self._unresolved(str(found.Message))
        tables = {
            key: made.tree.Definition
            for key, made in self.made.items()
            if type(made.tree).__name__ == "CreateTableStatement"
        }
        return {
            "faults": self.faults,
            "tables": {key: _columns(definition) for key, definition in tables.items()},
            "keys": {key: _primary(definition) for key, definition in tables.items()},
            "views": _given(schema, View),
            "functions": _given(schema, TableValuedFunction),
            "places": {key: (made.file, made.line) for key, made in self.made.items()},
        }

    def _unresolved(self, message: str) -> None:
        """Name the line of the object's text in which the name stands that is not there."""
        if "SqlComputedColumn:" in message:
            return  # Says once more, for a view's column, what was said of the view.
        names = _NAME.findall(message)
        table = ".".join(names[:2]).lower()
        index = f"index {table} {names[2].lower()}" if len(names) > 2 else ""
        made = self.made.get(index) or self.made.get(table)
        if made is None:
            fault = {"file": "", "line": 1, "column": 1, "message": message}
        else:
            lines = made.script.splitlines()
            word = re.compile(rf"\b{re.escape(names[-1])}\b", re.IGNORECASE)
            number = next((i for i, line in enumerate(lines) if word.search(line)), 0)
            place = word.search(lines[number])
            fault = {
                "file": made.file,
                "line": made.line + number,
                "column": place.start() + 1 if place else 1,
                "message": message.split(": ", 1)[-1],
            }
        if fault not in self.faults:
            self.faults.append(fault)


def _full(name: Any) -> str:
    return ".".join(part.Value for part in name.Identifiers).lower()


def _key(kind: str, statement: Any) -> str:
    for attribute in ("SchemaObjectName", "Name"):
        name = getattr(statement, attribute, None)
        if name is not None and hasattr(name, "Identifiers"):
            return _full(name)
    if hasattr(statement, "OnName"):
        return f"index {_full(statement.OnName)} {statement.Name.Value.lower()}"
    thing = kind.removeprefix("Create").removesuffix("Statement").lower()
    return f"{thing} {statement.Name.Value.lower()}"


def _columns(definition: Any) -> list[tuple[str, str, bool]]:
    keys = _primary(definition)
    found = []
    for column in definition.ColumnDefinitions:
        name = column.ColumnIdentifier.Value
        kind = text(column.DataType).upper()
        if column.Collation is not None:
            kind += f" COLLATE {column.Collation.Value}"
        null = name not in keys and all(
            getattr(constraint, "Nullable", True) for constraint in column.Constraints
        )
        found.append((name, kind, null))
    return found


def _primary(definition: Any) -> list[str]:
    for constraint in definition.TableConstraints:
        if getattr(constraint, "IsPrimaryKey", False):
            return [c.Column.MultiPartIdentifier.Identifiers[0].Value for c in constraint.Columns]
    return [
        column.ColumnIdentifier.Value
        for column in definition.ColumnDefinitions
        if any(getattr(constraint, "IsPrimaryKey", False) for constraint in column.Constraints)
    ]


def _given(schema: Any, kind: Any) -> dict[str, list[str]]:
    return {
        ".".join(str(part) for part in made.Name.Parts).lower(): [
            str(column.Name.Parts[column.Name.Parts.Count - 1])
            for column in made.GetReferenced(kind.Columns)
        ]
        for made in schema.GetObjects(DacQueryScopes.UserDefined, kind.TypeClass)
    }
