"""How much of a partition's pages its rows need."""

from __future__ import annotations

from math import ceil
from typing import Any

from sqlalchemy import Row

from vigie.warehouse.fact_months import Density

MEASURE = """
SELECT count(*) AS rows,
       coalesce(sum(((pg_column_size(p) + 7) & -8) + 4), 0) AS needed,
       pg_relation_size(to_regclass(:month)) AS heap,
       pg_total_relation_size(to_regclass(:month)) AS total,
       current_setting('block_size')::integer AS page
FROM {partition} p
"""
"""A row lies in its page aligned to eight bytes, and has a pointer of four."""
_PAGE_HEADER = 24


def density(row: Row[Any], *, loose: int | None) -> Density:
    """The density of a partition that `MEASURE` looked at.

    Args:
        row: Its result.
        loose: Rows that changed since the partition was last frozen; None for all of them.
    """
    pages = row.heap // row.page
    if not row.rows:
        # Nobody knows how many rows the empty pages held; VACUUM gives back those at the end.
        return Density(0, pages, pages, pages, pages if loose is None else loose, row.total)
    usable, length = row.page - _PAGE_HEADER, int(row.needed) / row.rows
    per_page = max(1, int(usable // length))
    # Rows of one length leave what is less than a row, those of many lengths half a row.
    full = max(row.rows / per_page, int(row.needed) / (usable - min(length, usable / 2) / 2))
    dead = max(0, pages - ceil(full)) * per_page
    loose = row.rows if loose is None else min(loose, row.rows)
    return Density(row.rows, pages, dead, dead, loose, row.total)
