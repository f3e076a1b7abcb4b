"""How long the lake keeps records, and the one commit that removes what is older.

By default for ever. The commit carries the ledger with how many records of each partition expired,
so that nobody takes them for lost.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable
from pydantic_core import PydanticCustomError

from vigie.contract.durations import parse_duration
from vigie.errors import SettingsError
from vigie.lake.ledger import LakeLedger
from vigie.lake.place import DAY, UNPARSED, day_of, file_sizes, read_coordinates
from vigie.settings import get_settings

_PARTITION = ["topic_id", "kafka_partition"]
_DAY = timedelta(days=1)


def lake_retention() -> timedelta | None:
    """How long the records of a day are kept; None is for ever.

    Raises:
        SettingsError: VIGIE_LAKE_RETENTION is no duration.
    """
    text = get_settings().lake_retention
    return _duration("VIGIE_LAKE_RETENTION", text) if text else None


def vacuum_after() -> timedelta:
    """How long files that no commit needs any more stay.

    Raises:
        SettingsError: VIGIE_LAKE_VACUUM is no duration.
    """
    return _duration("VIGIE_LAKE_VACUUM", get_settings().lake_vacuum)


def expire(table: DeltaTable, ledger: LakeLedger, first: date) -> LakeLedger:
    """Remove the records of days before `first`, those without a day by when they came.

    Returns:
        The ledger of the table now; the same one if there was nothing to remove.
    """
    came_before = datetime.combine(first, time(), UTC) - _DAY
    gone = _count(table, first, came_before)
    if not gone:
        return ledger
    after = ledger.without(gone, first)
    table.delete(
        f"({DAY} <> '{UNPARSED}' AND {DAY} < '{first}') OR "
        f"({DAY} = '{UNPARSED}' AND append_time < '{came_before:%Y-%m-%dT%H:%M:%SZ}')",
        commit_properties=CommitProperties(custom_metadata={"userMetadata": after.dump()}),
    )
    return after


def _count(table: DeltaTable, first: date, came_before: datetime) -> Counter[tuple[str, int]]:
    """The records to remove per topic id and partition."""
    gone: Counter[tuple[str, int]] = Counter()
    limit = pa.scalar(came_before, pa.timestamp("us", tz="UTC"))
    for path in file_sizes(table):
        day = day_of(path)
        if day != UNPARSED and day >= f"{first}":
            continue
        rows = read_coordinates(table, path)
        if day == UNPARSED:
            rows = rows.filter(pc.less(rows["append_time"], limit))
        for group in rows.group_by(_PARTITION).aggregate([([], "count_all")]).to_pylist():
            gone[group["topic_id"], group["kafka_partition"]] += group["count_all"]
    return gone


def _duration(name: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        message = f"{name}: {text!r} is no duration; expected one such as `400 days` or `5 years`"
        raise SettingsError(message) from error
