"""Who may do what: `access.yaml`, of which the tests ask every part, and its page `docs/access.md`.

`python -m tests.access` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from ruamel.yaml import YAML

from vigie.settings import HOME

PAGE = HOME / "docs" / "access.md"
Lines = dict[str, list[str]]
"""What is asked, and what each of those who ask gets."""


@dataclass(frozen=True)
class Part:
    """One part of the platform: who asks it (`who`), for what, and what they get."""

    title: str
    note: str
    who: Sequence[str]
    lines: Lines


def load() -> Mapping[str, Part]:
    """The matrix, by name of part."""
    parts = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
    return {
        name: Part(
            part["title"],
            part["note"].strip(),
            part["who"],
            {
                asked: [word.strip() for word in got.split("|")]
                for asked, got in part["lines"].items()
            },
        )
        for name, part in parts.items()
    }


def verdict(status: int) -> str:
    """What an answer says of access: the code of a refusal, else that it was let through."""
    return str(status) if status in (401, 403, 405) else "yes"


def require_guarded(answer: httpx.Response, *, framed: bool = False, kept: bool = False) -> None:
    """Return if an answer tells a browser all that it should, and nothing of its server."""
    headers, ancestors = answer.headers, "'self'" if framed else "'none'"
    sent_by = f"{answer.request.method} {answer.url}"
    assert f"frame-ancestors {ancestors}" in headers.get("content-security-policy", ""), sent_by
    assert headers["content-security-policy"].startswith("default-src 'none'"), sent_by
    assert headers["x-frame-options"] == ("SAMEORIGIN" if framed else "DENY"), sent_by
    assert headers["x-content-type-options"] == "nosniff", sent_by
    assert headers["referrer-policy"] == "same-origin", sent_by
    assert (headers["cache-control"] == "no-store") is not kept, sent_by


def page() -> str:
    """The page, in Markdown."""
    sections = [_section(part) for part in load().values()]
    return "\n\n".join([_INTRODUCTION, *sections]) + "\n"


def _section(part: Part) -> str:
    rows = [["", *part.who], ["---"] * (len(part.who) + 1)]
    rows += [[f"`{asked}`", *got] for asked, got in part.lines.items()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {part.title}\n{part.note}\n\n{table}"


_INTRODUCTION = """# Who may do what

Written by `python -m tests.access` from `tests/access.yaml`, which the tests ask of the running
parts: each line is something that a part answers to, each column somebody who asks. `yes`: let
through; a number: the HTTP code of the refusal. What a part lists of itself and has no line here
fails a test. What is stopped how: [security.md](security.md)."""

if __name__ == "__main__":
    PAGE.write_text(page())
