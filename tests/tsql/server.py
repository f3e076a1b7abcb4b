"""The process in which Mono runs: one JSON question per line in, one JSON answer per line out.

Started by `tests/tsql/scriptdom.py` with the folder of the libraries, which MONO_PATH names too.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")  # Mono before 6.12 is said to be problematic; this process may die.

import pythonnet  # noqa: E402

pythonnet.load("mono")

import clr  # noqa: E402

for _name in ("TransactSql.ScriptDom", "Dac", "Dac.Extensions"):
    clr.AddReference(f"{sys.argv[1]}/Microsoft.SqlServer.{_name}.dll")
clr.AddReference(f"{sys.argv[1]}/Vigie.Tests.Names.dll")

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from grammar import batches, errors  # noqa: E402
from schema import model  # noqa: E402

ANSWERS: dict[str, Callable[..., Any]] = {"errors": errors, "batches": batches, "model": model}


def main() -> None:
    # The libraries print to the standard output as they like.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"answer": ANSWERS[question.pop("do")](**question)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
