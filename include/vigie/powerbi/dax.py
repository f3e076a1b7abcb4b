"""Literals of DAX."""

from __future__ import annotations


def dax_text(value: str) -> str:
    """A text literal."""
    return '"' + value.replace('"', '""') + '"'
