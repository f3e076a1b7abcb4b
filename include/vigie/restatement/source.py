"""The records of a day, judged with the contract of now by the stream's own functions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from sqlalchemy import Engine

from vigie.contract.feed import Feed
from vigie.errors import LakeBusy, RestatementRefused
from vigie.lake.archive import archive
from vigie.lake.coverage import coverage, missing_files
from vigie.lake.ledger import read_ledger
from vigie.lake.place import DAY, partition_of
from vigie.lake.read import read_days
from vigie.restatement.cut import Cut
from vigie.streaming.assemble import judge
from vigie.streaming.split import split

_PATIENCE = 300


@dataclass(frozen=True)
class Records:
    """Records up to the cut as the stream would split them, each with its `topic_id`."""

    accepted: pa.Table
    failed: pa.Table


def judge_lake(spark: SparkSession, feed: Feed, day: date, cut: Cut, engine: Engine) -> pa.Table:
    """Archive up to the cut, then judge the day's partition and `unparsed` in one Arrow table.

    Raises:
        RestatementRefused: Files of the day are gone, its records expired, or the lake does not
            reach the cut.
    """
    require_in_lake(feed, day)
    _archive_up_to(spark, feed, cut, engine)
    names = tuple(f"{DAY}={partition_of(one)}/" for one in (day, None))
    gone = [path for path in missing_files(feed) if path.startswith(names)]
    if gone:
        raise RestatementRefused(_missing(feed, day, gone))
    try:
        records = read_days(spark, feed, [day, None])
        return judge(records, feed, carry=("topic_id",)).toArrow()
    except PySparkException as error:
        gone = [path for path in missing_files(feed) if path.startswith(names)]
        if gone:
            raise RestatementRefused(_missing(feed, day, gone)) from error
        raise


def require_in_lake(feed: Feed, day: date) -> None:
    """Refuse a day that the lake's retention has removed.

    Raises:
        RestatementRefused: It has.
    """
    first = read_ledger(feed).kept_from
    if first is not None and day < first:
        message = (
            f"{feed.name} {day}: not restated, the lake keeps records from {first} on "
            "(VIGIE_LAKE_RETENTION), those of the day expired. No row was touched"
        )
        raise RestatementRefused(message)


def split_records(judged: pa.Table, feed: Feed, cut: Cut) -> Records:
    """Split what `judge` gave, topic by topic; offsets are those of one topic."""
    judged = judged.filter(pa.array(cut.holds(judged)))
    accepted: list[pa.Table] = []
    failed: list[pa.Table] = []
    for topic_id in sorted(pc.unique(judged["topic_id"]).to_pylist()):
        mine = judged.filter(pc.equal(judged["topic_id"], topic_id))
        found = split(mine, feed)
        for tables, table in ((accepted, found.accepted), (failed, found.quarantined)):
            name = pa.repeat(pa.scalar(topic_id, pa.string()), table.num_rows)
            tables.append(table.append_column("topic_id", name))
    if not accepted:
        empty = split(judged, feed)
        none = pa.array([], pa.string())
        return Records(
            empty.accepted.append_column("topic_id", none),
            empty.quarantined.append_column("topic_id", none),
        )
    return Records(pa.concat_tables(accepted), pa.concat_tables(failed))


def _archive_up_to(spark: SparkSession, feed: Feed, cut: Cut, engine: Engine) -> None:
    begun = time.monotonic()
    while behind := _behind(feed, cut):
        try:
            archive(spark, feed, engine=engine)
        except LakeBusy:
            if time.monotonic() - begun > _PATIENCE:
                raise
            time.sleep(2)
            continue
        if _behind(feed, cut):
            message = (
                f"{feed.name}: the lake ends before the ledger in {', '.join(behind)}; the topic "
                "no longer has these offsets. See `vigie lake status`"
            )
            raise RestatementRefused(message)


def _behind(feed: Feed, cut: Cut) -> list[str]:
    ledger = read_ledger(feed)
    ends = {topic_id: ledger.ends(topic_id) for topic_id, _ in cut.ends}
    # What was lost before it was archived is found row by row: other days may be whole.
    lost = {(part.topic_id, part.partition) for part in ledger.lost if part.begin == part.end}
    return [
        f"partition {part} (at {ends[topic_id].get(part, 0)}, expected {end})"
        for (topic_id, part), end in sorted(cut.ends.items())
        if ends[topic_id].get(part, 0) < end and (topic_id, part) not in lost
    ]


def _missing(feed: Feed, day: date, gone: list[str]) -> str:
    ranges = "; ".join(
        f"partition {part.partition}, offsets {part.begin} to {part.end - 1}"
        for part in coverage(feed).missing
    )
    return (
        f"{feed.name} {day}: not restated, the lake lacks {len(gone)} file(s) of the day, such as "
        f"{gone[0]}: {ranges}. No row was touched. Bring the files back; see `vigie lake check`"
    )
