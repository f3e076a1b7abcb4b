"""What Microsoft's own T-SQL parser and schema model say of SQL, as of SQL Server 2019.

Both run under Mono in a process of their own, which answers one JSON line per question; it starts
with the first question and ends with the tests. Neither is SQL Server: they know grammar, names and
columns, and nothing of locks, plans or data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.tsql import fetch


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: the line and column count from 1."""

    line: int
    column: int
    message: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


@dataclass(frozen=True)
class Model:
    """What a sequence of files leaves.

    `tables` has for each table its columns' types and whether they may be null; `keys` the columns
    of its primary key; `views` and `functions` the columns they give; `places` the file and line
    in which each was made.
    """

    faults: list[Fault]
    tables: dict[str, dict[str, tuple[str, bool]]]
    keys: dict[str, list[str]]
    views: dict[str, list[str]]
    functions: dict[str, list[str]]
    places: dict[str, tuple[str, int]]


def errors(sql: str, file: str = "") -> list[Fault]:
    """The faults of a batch, or of batches parted by GO: grammar, and names 2019 does not have."""
    return [Fault(**fault, file=file) for fault in _ask({"do": "errors", "sql": sql})]


def batches(sql: str) -> list[str]:
    """The batches of a script, as the parser parts them."""
    return list(_ask({"do": "batches", "sql": sql}))


def model(files: Mapping[str, str], statements: Mapping[str, str] | None = None) -> Model:
    """Run files in order on an empty schema model and bind every name they use.

    Args:
        files: File name → script.
        statements: Name → a SELECT, INSERT, UPDATE or DELETE that is bound to what the files leave.
    """
    question = {"do": "model", "files": dict(files), "statements": dict(statements or {})}
    answer = _ask(question)
    return Model(
        faults=[Fault(**fault) for fault in answer["faults"]],
        tables={
            name: {column: (kind, null) for column, kind, null in columns}
            for name, columns in answer["tables"].items()
        },
        keys=answer["keys"],
        views=answer["views"],
        functions=answer["functions"],
        places={name: (file, line) for name, (file, line) in answer["places"].items()},
    )


def say(faults: Sequence[Fault]) -> str:
    """One line per fault."""
    return "\n".join(str(fault) for fault in faults)


def _ask(question: Mapping[str, Any]) -> Any:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(question) + "\n")
    server.stdin.flush()
    line = server.stdout.readline()
    if not line:
        _server.cache_clear()
        raise RuntimeError(f"the T-SQL parser ended with {server.wait()}; see its words above")
    answer = json.loads(line)
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    return answer["answer"]


@cache
def _server() -> subprocess.Popen[str]:
    if os.environ.get("VIGIE_TEST_WITHOUT_TSQL"):
        pytest.skip("VIGIE_TEST_WITHOUT_TSQL is set: no T-SQL is parsed")
    if fetch.main():
        pytest.fail("Mono or the T-SQL parser is missing; what to do stands above", pytrace=False)
    environment = os.environ | {"MONO_PATH": str(fetch.LIBRARIES)}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py")), str(fetch.LIBRARIES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
