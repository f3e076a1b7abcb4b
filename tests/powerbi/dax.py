"""The names in a DAX expression: tables, columns, measures and functions must all be known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set

# Those that our measures use; another one is added here after a look at its documentation.
FUNCTIONS = frozenset(
    {
        "ABS",
        "ADDCOLUMNS",
        "ALLSELECTED",
        "AVERAGE",
        "AVERAGEX",
        "BLANK",
        "CALCULATE",
        "COUNTROWS",
        "DATEADD",
        "DATESINPERIOD",
        "DIVIDE",
        "FALSE",
        "FILTER",
        "IF",
        "ISBLANK",
        "MAX",
        "MIN",
        "PERCENTILEX.INC",
        "REMOVEFILTERS",
        "ROUND",
        "SELECTEDVALUE",
        "SQRT",
        "SUM",
        "SUMMARIZE",
        "SUMX",
        "SWITCH",
        "TIME",
        "TREATAS",
        "UTCNOW",
        "VALUES",
    }
)
_WORDS = {"VAR", "RETURN", "NOT", "IN", "DAY"}
_TOKEN = re.compile(
    r"""
    (?P<space>\s+) | (?P<text>"(?:[^"]|"")*") | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)
    | (?P<column>(?:'(?:[^']|'')+'|[A-Za-z_]\w*)\[[^\]]+\]) | (?P<bare>\[[^\]]+\])
    | (?P<function>[A-Za-z_][\w.]*\s*(?=\()) | (?P<table>'(?:[^']|'')+') | (?P<word>[A-Za-z_]\w*)
    | (?P<sign>&&|\|\||<>|<=|>=|[-+*/&=<>(){},])
    """,
    re.VERBOSE,
)


def faults(dax: str, tables: Mapping[str, Set[str]], measures: Set[str]) -> Iterator[str]:
    """What an expression names that is not there; `tables` has the columns of each table."""
    variables = set(re.findall(r"\bVAR\s+(\w+)\s*=", dax))
    depth = 0
    at = 0
    while at < len(dax):
        match = _TOKEN.match(dax, at)
        if match is None:
            yield f"cannot be read from {dax[at : at + 30]!r}"
            return
        at = match.end()
        kind, found = str(match.lastgroup), match[0].strip()
        if kind == "column":
            yield from _column(found, tables)
        elif kind == "bare" and found[1] != "@" and found[1:-1] not in measures:
            yield f"no measure {found}"
        elif kind == "function" and found not in FUNCTIONS | _WORDS:
            yield f"no function {found}"
        elif kind == "table" and _bare(found) not in tables:
            yield f"no table {found}"
        elif kind == "word" and found not in variables | _WORDS | tables.keys():
            yield f"no table or variable {found}"
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(found, 0)
        if depth < 0:
            yield "closes a bracket too many"
            return
    if depth:
        yield "leaves a bracket open"


def _column(found: str, tables: Mapping[str, Set[str]]) -> Iterator[str]:
    table, _, column = found[:-1].partition("[")
    if _bare(table) not in tables:
        yield f"no table {table}"
    elif column not in tables[_bare(table)]:
        yield f"no column {found}"


def _bare(name: str) -> str:
    return name[1:-1].replace("''", "'") if name.startswith("'") else name
