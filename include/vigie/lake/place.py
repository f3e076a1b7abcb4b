"""Where the lake of a feed is, and its table as the Delta log describes it, without a JVM."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from deltalake.fs import DeltaStorageHandler

from vigie.settings import get_settings

DAY = "day"
"""The partition column: an ISO date, or `UNPARSED`."""
UNPARSED = "unparsed"
COORDINATES: dict[str, pa.DataType] = {
    **{"topic_id": pa.string(), "kafka_partition": pa.int32(), "kafka_offset": pa.int64()},
    "append_time": pa.timestamp("us", tz="UTC"),
}


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


def record_count(table: DeltaTable) -> int | None:
    """Records in all data files of the table, as its log counts them; None if it does not."""
    counts = table.get_add_actions(flatten=True)["num_records"].to_pylist()
    return None if None in counts else sum(counts)


def day_of(path: str) -> str:
    """The value of `DAY` of a data file, by its path below the table."""
    return path.partition("/")[0].removeprefix(f"{DAY}=")


def files_of(table: DeltaTable) -> pafs.PyFileSystem:
    """The storage below the table, wherever it is."""
    return pafs.PyFileSystem(DeltaStorageHandler.from_table(table._table))


def read_coordinates(table: DeltaTable, path: str) -> pa.Table:
    """Where the records of one data file come from, and when they came."""
    rows = pq.read_table(path, columns=[*COORDINATES], filesystem=files_of(table))
    # A file that an expiry rewrote has its text as views, which nothing groups by.
    schema = pa.schema([(name, kind) for name, kind in COORDINATES.items()])
    return rows.select([*COORDINATES]).cast(schema)


def lock_name(feed: str) -> str:
    """The lock of whoever changes the feed's lake."""
    return f"lake {feed}"
