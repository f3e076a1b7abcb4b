"""Keep the lake's files few: compact days with many small ones, drop what no commit needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from deltalake import CommitProperties
from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import LakeBusy
from vigie.lake.display import maintained_within_a_day, show
from vigie.lake.ledger import read_ledger
from vigie.lake.place import DAY, file_sizes, lock_name, open_table
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine

_SMALL = 32 * 1024 * 1024
_FEW = 4
"""Small files a day may have before it is compacted."""
KEPT = timedelta(days=7)
"""How long files that no commit needs any more stay, for readers that began before."""


@dataclass(frozen=True)
class Maintained:
    """What was done: days compacted, files before and after, files removed for good."""

    days: tuple[str, ...]
    files_before: int
    files_after: int
    vacuumed: int


def maintain(
    feed: Feed, *, kept: timedelta = KEPT, few: int = _FEW, engine: Engine | None = None
) -> Maintained | None:
    """Compact and vacuum the feed's lake; None where there is none yet.

    Raises:
        LakeBusy: Another process works on it.
        LakeError: The table is not one of ours.
    """
    engine = engine or get_engine()
    with open_warehouse(engine).hold(lock_name(feed.name)) as held:
        if not held:
            message = f"{feed.name}: another process works on its lake; nothing was done"
            raise LakeBusy(message)
        return _maintain(feed, kept, few, engine)


def is_due(feed: Feed, engine: Engine | None = None) -> bool:
    """Whether the last maintenance is a day old, or there was none."""
    return not maintained_within_a_day(engine or get_engine(), feed.name)


def _maintain(feed: Feed, kept: timedelta, few: int, engine: Engine) -> Maintained | None:
    table = open_table(feed.name)
    if table is None:
        return None
    ledger = read_ledger(feed, table)
    before = file_sizes(table)
    small = Counter(_day(path) for path, size in before.items() if size < _SMALL)
    days = tuple(sorted(day for day, count in small.items() if count > few))
    # The ledger goes along: the newest commit must have it.
    properties = CommitProperties(custom_metadata={"userMetadata": ledger.dump()})
    if days:
        table.optimize.compact(
            partition_filters=[(DAY, "in", list(days))], commit_properties=properties
        )
    gone = table.vacuum(
        retention_hours=int(kept.total_seconds() // 3600),
        dry_run=False,
        enforce_retention_duration=False,
        commit_properties=properties,
    )
    show(engine, feed, table, ledger, maintained=True)
    return Maintained(days, len(before), len(file_sizes(table)), len(gone))


def _day(path: str) -> str:
    return path.partition("/")[0].removeprefix(f"{DAY}=")
