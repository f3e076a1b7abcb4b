"""The columns of every view and function of `report`, read from the SQL that makes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from sqlglot import exp, parse_one

from vigie.contract.feed import Feed
from vigie.warehouse.postgres.ddl import PostgresDdl

_VIEW = re.compile(r"CREATE (?:OR REPLACE )?VIEW report\.(\w+) AS\n(.*?);\n", re.DOTALL)
_SOURCE = re.compile(r"FROM report\.(\w+)")
_RETURNED = re.compile(r"^ +(\w+) ", re.MULTILINE)


def columns_of_feed(feed: Feed) -> dict[str, list[str]]:
    """Name without schema → columns, in the order in which they are made."""
    found: dict[str, list[str]] = {}
    for made in PostgresDdl().report_objects(feed):
        if made.kind == "function":
            found[made.name] = _RETURNED.findall(made.signature.partition("RETURNS TABLE")[2])
        else:
            found[made.name] = _selected(made.sql, found)
    return found


def columns_of_all(folder: Path, feeds: Sequence[Feed]) -> dict[str, list[str]]:
    """The same of the views that are written by hand, for all feeds: the newest of each."""
    of_feeds = {name for feed in feeds for name in columns_of_feed(feed)}
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.sql")):
        for name, sql in _VIEW.findall(path.read_text("utf-8")):
            if name not in of_feeds:
                found[name] = _selected(sql, found)
    return found


def _selected(sql: str, known: dict[str, list[str]]) -> list[str]:
    query = cast(exp.Query, parse_one(sql, read="postgres"))
    names: list[str] = query.named_selects
    if names != ["*"]:
        return names
    (source,) = _SOURCE.findall(sql)
    return known[source]
