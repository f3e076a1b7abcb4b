"""Parses T-SQL with ScriptDom. Runs in the process of `server.py` only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from Microsoft.SqlServer.TransactSql import ScriptDom
from names import FUNCTIONS, NEWER, OLD_TYPES, TABLE_FUNCTIONS
from System.IO import StringReader
from Vigie.Tests import Names

PARSER = ScriptDom.TSql150Parser(True)  # 150 is SQL Server 2019; quoted identifiers are on.
Fault = dict[str, Any]


def errors(sql: str) -> list[Fault]:
    """What the grammar refuses; where it accepts all, the names that 2019 does not have."""
    script, found = parse(sql)
    if found:
        return found
    seen = Names()
    script.Accept(seen)
    judged = [(one, _judge(one)) for one in seen.All]
    return [
        {"line": one.Line, "column": one.Column, "message": message}
        for one, message in judged
        if message
    ]


def batches(sql: str) -> list[str]:
    """The text of each batch."""
    script, _ = parse(sql)
    return [text(batch) for batch in script.Batches]


def parse(sql: str) -> tuple[Any, list[Fault]]:
    """The script's tree, and what the grammar refuses."""
    script, found = PARSER.Parse(StringReader(sql), None)
    return script, [
        {"line": e.Line, "column": e.Column, "message": f"{e.Message} ({e.Number})"} for e in found
    ]


def text(fragment: Any) -> str:
    """The fragment as it was written."""
    return "".join(token.Text or "" for token in tokens(fragment))


def tokens(fragment: Any) -> Iterator[Any]:
    """The fragment's tokens."""
    stream = fragment.ScriptTokenStream
    for index in range(fragment.FirstTokenIndex, fragment.LastTokenIndex + 1):
        yield stream[index]


def _judge(found: Any) -> str | None:
    name = found.Name
    if found.Kind in _CALLS:
        if name.lower() in NEWER:
            return f"{name} is a function of SQL Server 2022 or later"
        known = name.lower() in _CALLS[found.Kind]
        return None if known else f"{name} is no function of SQL Server 2019"
    if found.Kind == "type":
        old = name.lower() in OLD_TYPES
        return f"{name} is a type no new table should have" if old else None
    return {
        "unknown type": f"{name} is no type of SQL Server",
        "member": "`::` names a member of a CLR type; use CAST",
        "merge": "MERGE: races without HOLDLOCK, and is not used here",
    }[found.Kind]


_CALLS = {"function": FUNCTIONS, "table function": TABLE_FUNCTIONS}
