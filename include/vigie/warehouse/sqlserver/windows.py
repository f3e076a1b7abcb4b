"""Sliding windows in T-SQL: an inline table-valued function over the panes of a feed.

Inline, it is written into the calling query, and the bounds of its panes are those of the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Window
from vigie.warehouse.feed_tables import PANE_COUNTS
from vigie.warehouse.sqlserver.intervals import add, bin_start

SIGNATURE = "(@from_time datetime2(3), @to_time datetime2(3))\nRETURNS TABLE"


def windows_body(feed: Feed) -> str:
    """The SELECT of `report.<feed>_windows(@from_time, @to_time)`.

    It returns the windows that have a reading and end after `@from_time` and not after `@to_time`.
    """
    return "\nUNION ALL\n".join(_windows(feed, window) for window in feed.windows.sliding)


def _windows(feed: Feed, window: Window) -> str:
    # A pane lies in as many windows as the slide fits into the length, rounded up.
    most = -(-window.length // window.slide)
    numbers = wrap(", ".join(f"({k})" for k in range(most)), 80)
    steps = ("\n" + " " * 20).join(numbers)
    newest = bin_start(window.slide, "p.pane_start")
    start = add(window.slide, newest, times="-k.n * ")
    end = add(window.length, "w.window_start")
    selected = ",\n       ".join(_selected(feed, window))
    return (
        f"SELECT {selected}\n"
        f"FROM report.{feed.name}_pane p\n"
        f"CROSS JOIN (VALUES {steps}) k (n)\n"
        f"CROSS APPLY (SELECT {start} AS window_start) w\n"
        f"WHERE p.pane_start >= {add(-window.length, '@from_time')}\n"
        "  AND p.pane_start < @to_time\n"
        f"  AND p.pane_start < {end}\n"
        f"  AND {end} > @from_time\n"
        f"  AND {end} <= @to_time\n"
        "GROUP BY p.sensor, w.window_start"
    )


def _selected(feed: Feed, window: Window) -> Iterator[str]:
    end = add(window.length, "w.window_start")
    yield from ("p.sensor", "w.window_start", f"{end} AS window_end")
    yield f"N'{format_duration(window.length)}' AS window_length"
    yield from (f"SUM(p.{count}) AS {count}" for count in PANE_COUNTS)
    for field in feed.fields:
        yield f"SUM(p.{field}_n) AS {field}_n"
        yield f"SUM(p.{field}_sum) / NULLIF(SUM(p.{field}_n), 0) AS {field}_mean"
        yield f"MIN(p.{field}_min) AS {field}_min"
        yield f"MAX(p.{field}_max) AS {field}_max"
    newest = f"SELECT m.watermark FROM report.watermark m WHERE m.feed = N'{feed.name}'"
    yield (
        f"CAST(CASE WHEN {add(feed.late_after, end)} <=\n"
        f"                      ({newest})\n"
        "                 THEN 1 ELSE 0 END AS bit) AS is_final"
    )
