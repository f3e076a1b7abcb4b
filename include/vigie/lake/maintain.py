"""Keep the lake's files few: expire old days, compact those with many small files, vacuum."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deltalake import CommitProperties
from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import LakeBusy
from vigie.lake.display import maintained_within_a_day, show
from vigie.lake.ledger import read_ledger
from vigie.lake.place import DAY, day_of, file_sizes, lock_name, open_table
from vigie.lake.retention import expire, lake_retention, vacuum_after
from vigie.warehouse.dialects import open_warehouse
from vigie.warehouse.engines import get_engine

_SMALL = 32 * 1024 * 1024
_FEW = 4
"""Small files a day may have before it is compacted."""


@dataclass(frozen=True)
class Maintained:
    """What was done: records expired, days compacted, files before and after, files vacuumed."""

    expired: int
    days: tuple[str, ...]
    files_before: int
    files_after: int
    vacuumed: int


def maintain(
    feed: Feed, *, kept: timedelta | None = None, few: int = _FEW, engine: Engine | None = None
) -> Maintained | None:
    """Expire, compact and vacuum the feed's lake; None where there is none yet.

    Args:
        feed: The contract.
        kept: How long files that no commit needs any more stay, for readers that began before; by
            default what the settings say.
        few: Small files a day may have before it is compacted.
        engine: The warehouse, which has the lock.

    Raises:
        LakeBusy: Another process works on it.
        LakeError: The table is not one of ours.
        SettingsError: A setting of the lake is no duration.
    """
    engine = engine or get_engine()
    kept = vacuum_after() if kept is None else kept
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
    known = read_ledger(feed, table)
    before, retention = file_sizes(table), lake_retention()
    ledger = known
    if retention is not None:
        ledger = expire(table, known, (datetime.now(UTC) - retention).date())
    left = file_sizes(table)
    small = Counter(day_of(path) for path, size in left.items() if size < _SMALL)
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
    expired = ledger.expired_records - known.expired_records
    return Maintained(expired, days, len(before), len(file_sizes(table)), len(gone))
