"""Does the lake hold as many records as its ledger says, of which some may have expired?"""

from __future__ import annotations

from collections.abc import Iterator

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from vigie.contract.feed import Feed
from vigie.errors import LakeError
from vigie.lake.coverage import missing_files
from vigie.lake.ledger import LakeLedger, open_with_ledger
from vigie.lake.place import record_count
from vigie.reconciliation.account import LakeAccount


def compare_lake(feed: Feed) -> LakeAccount:
    """Compare the lake's ledger with its files, by the log alone: none of them is opened.

    A lake that nothing was archived to yet, or that does not answer, is no fault.
    """
    try:
        opened = open_with_ledger(feed)
        if opened is None:
            return LakeAccount()
        table, ledger = opened
        return LakeAccount(tuple(_faults(feed, table, ledger)), None, ledger.expired_records)
    except (LakeError, DeltaError, OSError) as error:
        return LakeAccount(skipped=f"lake not compared: {error}")


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
