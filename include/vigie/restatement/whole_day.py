"""A day of which every stored reading is replaced: cheaper by its bounds than row by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from sqlalchemy import ColumnElement, Table, delete, select

from vigie.contract.feed import Feed
from vigie.restatement.cut import Cut
from vigie.streaming.panes import summarise
from vigie.warehouse.feed_tables import feed_tables
from vigie.warehouse.session import Session


@dataclass(frozen=True)
class WholeDay:
    """The day [begin, end) of a feed, up to a cut."""

    feed: Feed
    begin: datetime
    end: datetime
    cut: Cut

    @property
    def up_to_cut(self) -> tuple[ColumnElement[bool], ...]:
        """Which readings are the day's, of batches up to the cut."""
        reading = feed_tables(self.feed).reading
        return (*self._within(reading), reading.c.batch_no <= self.cut.batch_no)

    def remove_readings(self, session: Session) -> int:
        """Delete the readings of batches up to the cut; how many went."""
        return session.delete(delete(feed_tables(self.feed).reading).where(*self.up_to_cut))

    def replace_panes(self, session: Session, fresh: pa.Table) -> bool:
        """Replace the day's panes by those of `fresh`, summarised as the stream does.

        Args:
            session: In its transaction no reading up to the cut is left.
            fresh: All that is stored of the day from now on, unless there are later batches.

        Returns:
            False, and does nothing, where panes reach into other days or later batches stored
            readings of the day.
        """
        if timedelta(days=1) % self.feed.windows.pane or self._has_readings(session):
            return False
        pane = feed_tables(self.feed).pane
        session.delete(delete(pane).where(*self._within(pane)))
        session.append(pane, summarise(fresh, self.feed))
        return True

    def _has_readings(self, session: Session) -> bool:
        reading = feed_tables(self.feed).reading
        later = (*self._within(reading), reading.c.batch_no > self.cut.batch_no)
        return bool(session.run(select(reading.c.sensor_id).where(*later).limit(1)))

    def _within(self, table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        _, time = table.primary_key.columns
        return time >= self.begin, time < self.end
