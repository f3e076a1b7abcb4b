"""The Markdown files of the repository, taken apart by markdown-it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from vigie.settings import HOME

PAGES = sorted(
    path
    for folder in (HOME, HOME / "docs", HOME / "powerbi")
    for path in (folder.glob("*.md") if folder == HOME else folder.rglob("*.md"))
)


@cache
def tokens(path: Path) -> list[Token]:
    """Blocks and what is in them, in order."""
    flat: list[Token] = []
    for block in MarkdownIt("gfm-like", {"linkify": False}).parse(path.read_text("utf-8")):
        flat += [block, *(block.children or ())]
    return flat


def links(path: Path) -> Iterator[str]:
    """Where links and pictures point."""
    for token in tokens(path):
        target = token.attrGet({"link_open": "href", "image": "src"}.get(token.type, ""))
        if target:
            yield str(target)


@cache
def anchors(path: Path) -> set[str]:
    """The names that GitHub gives the headings."""
    found: list[str] = []
    for heading, text in zip(tokens(path), tokens(path)[1:], strict=False):
        if heading.type == "heading_open":
            said = "".join(
                part.content for part in text.children or () if part.type in ("text", "code_inline")
            )
            slug = re.sub(r"[^\w\- ]", "", said.lower()).replace(" ", "-")
            found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


def code(path: Path) -> Iterator[str]:
    """What stands as code: each span, and each line of a console."""
    for token in tokens(path):
        if token.type == "code_inline":
            yield token.content
        elif token.type == "fence":
            yield from _lines(token.content)


def _lines(block: str) -> Iterator[str]:
    whole = block.replace("\\\n", " ")
    for line in whole.splitlines():
        yield line.removeprefix("$ ").partition(" #")[0]
