"""Does the lake still hold what its ledger says? Names files and offset ranges that are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from deltalake import DeltaTable

from vigie.contract.feed import Feed
from vigie.lake.ledger import LakeLedger, LostRange, open_with_ledger
from vigie.lake.place import file_sizes, files_of, open_table, read_coordinates
from vigie.warehouse.ledger import OffsetRange

_PARTITION = ["topic_id", "kafka_partition"]
_Runs = dict[tuple[str, int], list[tuple[int, int]]]


@dataclass(frozen=True)
class Coverage:
    """`held` by the ledger, `lost` before archiving, `missing` from the files though held.

    `missing_files` are paths below the table; `doubled` counts records stored more than once.
    Of the held records `expired` are gone by the lake's retention. Only how many of each partition
    is known: where more are absent, all that is absent is named, with the expired ones among it.
    """

    held: tuple[OffsetRange, ...]
    lost: tuple[LostRange, ...]
    missing: tuple[OffsetRange, ...]
    missing_files: tuple[str, ...]
    doubled: int
    expired: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every record the ledger claims is there once."""
        return not (self.missing or self.missing_files or self.doubled)


def missing_files(feed: Feed, table: DeltaTable | None = None) -> list[str]:
    """Data files the newest commit names and the storage lacks: quick, it opens none of them."""
    table = table or open_table(feed.name)
    if table is None:
        return []
    paths = list(file_sizes(table))
    found = files_of(table).get_file_info(paths)
    return [
        path for path, info in zip(paths, found, strict=True) if info.type == pafs.FileType.NotFound
    ]


def coverage(feed: Feed) -> Coverage:
    """Compare the ledger with the coordinates in every file, four columns of each.

    In a feed with `kafka: {transactions: true}` the broker's markers show as missing offsets.

    Raises:
        LakeBusy: Something was committed to the table again and again.
        LakeError: The table's history has no ledger.
    """
    opened = open_with_ledger(feed)
    if opened is None:
        return Coverage((), (), (), (), 0)
    table, ledger = opened
    gone = missing_files(feed, table)
    runs: _Runs = {}
    for path in file_sizes(table).keys() - set(gone):
        _collect(read_coordinates(table, path), runs)
    doubled = sum(_overlap(sorted(found)) for found in runs.values())
    missing = tuple(_unexplained(ledger, list(_holes(ledger, runs))))
    files = tuple(sorted(gone))
    return Coverage(ledger.held, ledger.lost, missing, files, doubled, ledger.expired_records)


def _collect(rows: pa.Table, runs: _Runs) -> None:
    """Add the runs of consecutive offsets in one file."""
    keys = rows.group_by(_PARTITION).aggregate([]).to_pylist()
    for key in keys:
        topic, partition = key["topic_id"], key["kafka_partition"]
        chosen = pc.and_(
            pc.equal(rows["topic_id"], topic), pc.equal(rows["kafka_partition"], partition)
        )
        offsets = np.sort(rows.filter(chosen)["kafka_offset"].to_numpy())
        breaks = np.flatnonzero(np.diff(offsets) != 1) + 1
        starts, stops = [0, *breaks.tolist()], [*breaks.tolist(), len(offsets)]
        runs.setdefault((topic, partition), []).extend(
            (int(offsets[i]), int(offsets[j - 1]) + 1) for i, j in zip(starts, stops, strict=True)
        )


def _overlap(runs: Sequence[tuple[int, int]]) -> int:
    """How many offsets of sorted runs were seen before."""
    reached, seen = 0, 0
    for begin, end in runs:
        seen += max(min(end, reached) - begin, 0)
        reached = max(reached, end)
    return seen


def _holes(ledger: LakeLedger, runs: _Runs) -> Iterable[OffsetRange]:
    for part in ledger.held:
        found = sorted(runs.get((part.topic_id, part.partition), []))
        inside = [(b, e) for b, e in found if e > part.begin and b < part.end]
        edges = [(part.begin, part.begin), *_merged(inside), (part.end, part.end)]
        for (_, end), (begin, _) in pairwise(edges):
            if begin > end:
                yield OffsetRange(part.topic_id, part.partition, end, begin)


def _unexplained(ledger: LakeLedger, holes: Sequence[OffsetRange]) -> Iterable[OffsetRange]:
    """The holes of partitions in which more, or fewer, records are absent than expired."""
    absent = Counter[tuple[str, int]]()
    for hole in holes:
        absent[hole.topic_id, hole.partition] += hole.end - hole.begin
    expired = {(part.topic_id, part.partition): part.records for part in ledger.expired}
    for hole in holes:
        place = (hole.topic_id, hole.partition)
        if absent[place] != expired.get(place, 0):
            yield hole


def _merged(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in runs:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
