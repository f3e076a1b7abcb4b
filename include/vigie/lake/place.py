"""Where the lake of a feed is, and its table as the Delta log describes it, without a JVM."""

from __future__ import annotations

from datetime import date

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from vigie.settings import get_settings

DAY = "day"
"""The partition column: an ISO date, or `UNPARSED`."""
UNPARSED = "unparsed"


def lake_uri(feed: str) -> str:
    """The address of the feed's table: a folder, or whatever scheme `VIGIE_LAKE` has."""
    settings = get_settings()
    root = settings.lake or str((settings.state / "lake").absolute())
    return f"{root.rstrip('/')}/{feed}"


def open_table(feed: str) -> DeltaTable | None:
    """The feed's table at its newest commit; None while nothing was archived yet."""
    try:
        return DeltaTable(lake_uri(feed))
    except TableNotFoundError:
        return None


def partition_of(day: date | None) -> str:
    """The value of `DAY` under which a day's records lie; None is those without a day."""
    return UNPARSED if day is None else day.isoformat()


def file_sizes(table: DeltaTable) -> dict[str, int]:
    """Bytes of each data file of the table's newest commit, by its path below the table."""
    actions = table.get_add_actions(flatten=True)
    return dict(zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True))


def lock_name(feed: str) -> str:
    """The lock of whoever changes the feed's lake."""
    return f"lake {feed}"
