"""Sliding windows in PostgreSQL: a function over the panes of a feed.

It reads views, not facts, so that whoever may read `report` may call it. It is one SELECT that is
STABLE, which PostgreSQL writes into the calling query: the bounds of its panes then are those of
the call, and partitions without such panes are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator

from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed, Window
from vigie.warehouse.feed_tables import PANE_COUNTS
from vigie.warehouse.postgres.intervals import bin_start, interval


def windows_function(feed: Feed) -> tuple[str, str]:
    """Signature and body of `report.<feed>_windows(from_time, to_time)`.

    It returns the windows that have a reading and end after `from_time` and not after `to_time`.
    """
    columns = ",\n    ".join(_columns(feed))
    signature = f"(from_time timestamptz, to_time timestamptz)\nRETURNS TABLE (\n    {columns}\n)"
    branches = "\nUNION ALL\n".join(_windows(feed, window) for window in feed.windows.sliding)
    return signature, branches


def _columns(feed: Feed) -> Iterator[str]:
    yield "sensor text"
    yield from ("window_start timestamptz", "window_end timestamptz", "window_length text")
    yield from (f"{count} bigint" for count in PANE_COUNTS)
    for field in feed.fields:
        yield f"{field}_n bigint"
        yield from (f"{field}_{part} double precision" for part in ("mean", "min", "max"))
    yield "is_final boolean"


def _windows(feed: Feed, window: Window) -> str:
    length = interval(window.length)
    # A pane lies in as many windows as the slide fits into the length, rounded up.
    most = -(-window.length // window.slide)
    newest = bin_start(window.slide, "p.pane_start")
    selected = ",\n       ".join(_selected(feed, window))
    return (
        f"SELECT {selected}\n"
        f"FROM report.{feed.name}_pane p\n"
        f"CROSS JOIN generate_series(0, {most - 1}) k\n"
        f"CROSS JOIN LATERAL (SELECT {newest}\n"
        f"                           - k * {interval(window.slide)} AS window_start) w\n"
        f"WHERE p.pane_start >= from_time - {length}\n"
        "  AND p.pane_start < to_time\n"
        f"  AND p.pane_start < w.window_start + {length}\n"
        f"  AND w.window_start + {length} > from_time\n"
        f"  AND w.window_start + {length} <= to_time\n"
        "GROUP BY p.sensor, w.window_start"
    )


def _selected(feed: Feed, window: Window) -> Iterator[str]:
    end = f"w.window_start + {interval(window.length)}"
    yield from ("p.sensor", "w.window_start", end, f"'{format_duration(window.length)}'")
    yield from (f"sum(p.{count})::bigint" for count in PANE_COUNTS)
    for field in feed.fields:
        yield f"sum(p.{field}_n)::bigint"
        yield f"sum(p.{field}_sum) / nullif(sum(p.{field}_n), 0)::double precision"
        yield from (f"min(p.{field}_min)", f"max(p.{field}_max)")
    newest = f"SELECT m.watermark FROM report.watermark m WHERE m.feed = '{feed.name}'"
    yield f"coalesce({end} + {interval(feed.late_after)} <= ({newest}), false)"
