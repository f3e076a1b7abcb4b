"""Does the lake hold as many records as its ledger says, of which some may have expired?"""

from __future__ import annotations

from collections.abc import Iterator

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from vigie.contract.feed import Feed
from vigie.errors import LakeError
from vigie.lake.coverage import missing_files
from vigie.lake.ledger import LakeLedger, read_ledger
from vigie.lake.place import open_table, record_count
from vigie.reconciliation.account import LakeAccount

_TRIES = 5


def compare_lake(feed: Feed) -> LakeAccount:
    """Compare the lake's ledger with its files, by the log alone: none of them is opened.

    A lake that nothing was archived to yet, or that does not answer, is no fault.
    """
    try:
        for _ in range(_TRIES):
            table = open_table(feed.name)
            if table is None:
                return LakeAccount()
            ledger = read_ledger(feed, table)
            found = LakeAccount(tuple(_faults(feed, table, ledger)), None, ledger.expired_records)
            # The history, and so the ledger, may be newer than the files of the table opened.
            newest = open_table(feed.name)
            if newest is not None and newest.version() == table.version():
                return found
    except (LakeError, DeltaError, OSError) as error:
        return LakeAccount(skipped=f"lake not compared: {error}")
    return LakeAccount(skipped="lake not compared: something was committed to it each time")


def _faults(feed: Feed, table: DeltaTable, ledger: LakeLedger) -> Iterator[str]:
    gone = missing_files(feed, table)
    if gone:
        yield f"the lake lacks {len(gone)} file(s), such as {gone[0]}; see `vigie lake check`"
    held = sum(part.end - part.begin for part in ledger.held)
    expired, found = ledger.expired_records, record_count(table)
    if found is None:
        return
    # Offsets without a message, which only transactions leave, are in no file.
    wrong = found > held - expired if feed.kafka.transactions else found != held - expired
    if wrong:
        told = f" and {expired} expired" if expired else ""
        yield f"the lake's ledger says {held} records archived{told}, its files hold {found}"
