"""T-SQL scripts: batches parted by GO, which is a word of the tools and not of the language."""

from __future__ import annotations

import re
from collections.abc import Iterable

_GO = re.compile(r"^[ \t]*GO[ \t]*$", re.MULTILINE | re.IGNORECASE)


def script(statements: Iterable[str]) -> str:
    """Each statement as a batch: a view or function must be alone in its own."""
    return "\n".join(f"{_tidy(statement)};\nGO\n" for statement in statements)


def batches(text: str) -> list[str]:
    """What is sent to the server at once; what is comment alone is not sent."""
    return [part.strip() for part in _GO.split(text) if _has_statement(part)]


def _has_statement(part: str) -> bool:
    lines = (line.strip() for line in part.splitlines())
    return any(line and not line.startswith("--") for line in lines)


def _tidy(statement: str) -> str:
    lines = (line.rstrip().expandtabs(4) for line in statement.strip().splitlines())
    return "\n".join(lines)
