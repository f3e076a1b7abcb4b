"""Documents of readings that expired go with them."""

from __future__ import annotations

import logging

from vigie.compaction.compact import Work
from vigie.compaction.periods import begin_of, first_kept
from vigie.contract.feed import Feed
from vigie.errors import DocumentsAway
from vigie.streaming.document_store import open_store, wants_documents

log = logging.getLogger(__name__)


def forget_documents(work: Work, feed: Feed) -> int:
    """Delete the documents of expired months; whoever was killed before is made up for.

    Last known states stay. While the server is away the next run tries again.

    Returns:
        How many were deleted.
    """
    kept = feed.retention.readings
    store = open_store(feed) if wants_documents(feed) and kept is not None else None
    if store is None or kept is None:
        return 0
    before = {"event_time": {"$lt": begin_of(first_kept(feed, kept, work.now))}}
    try:
        return int(store.ask(lambda: store.readings.delete_many(before)).deleted_count)
    except DocumentsAway as error:
        log.warning("%s: documents of expired months stay until the next run", error)
        return 0
