from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from vigie.contract.loader import load_feeds
from vigie.refresh import record
from vigie.refresh.partitions import partition_names
from vigie.refresh.plan import EVER, NEVER, Due, plan, tables
from vigie.refresh.record import Reach
from vigie.warehouse import core

pytestmark = pytest.mark.warehouse

TODAY = date(2026, 11, 4)
AT = datetime(2026, 11, 4, 9, tzinfo=UTC)
FEEDS = load_feeds()


def test_partitions_are_named_as_the_service_names_them() -> None:
    days = [date(2026, 11, 3), date(2026, 10, 29), date(2026, 10, 1), date(2026, 9, 30)]
    named = partition_names([*days, date(2026, 9, 1), date(2025, 1, 9)], TODAY)
    assert named == ["2025Q101", "2026Q309", "2026Q41001", "2026Q41029", "2026Q41103"]


def test_without_older_days_one_refresh_by_the_policy_is_asked_for() -> None:
    (only,) = plan([Due("fleet", date(2026, 11, 1))], FEEDS, TODAY, enhanced=True)
    assert (only.partitions, only.first_day, only.last_day) == (False, date(2026, 10, 29), NEVER)
    assert "objects" not in only.body


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("whole", [False, True])
def test_older_days_are_read_again_by_their_partitions(feed: str, whole: bool) -> None:
    due = [Due(feed, date(2016, 1, 2)), Due(feed, date(2016, 1, 3)), Due("gone", date(2016, 1, 3))]
    policy, older = plan(due, FEEDS, TODAY, enhanced=True, whole_tables=whole)
    assert not policy.partitions
    assert (older.partitions, older.first_day, older.last_day) == (True, EVER, date(2026, 10, 28))
    where = {} if whole else {"partition": "2016Q101"}
    assert older.body["objects"] == [{"table": name, **where} for name in tables(FEEDS[feed])]
    assert older.body["applyRefreshPolicy"] is False


def test_shared_capacity_takes_nothing_but_the_standard_refresh() -> None:
    (only,) = plan([Due("fleet", date(2016, 1, 2))], FEEDS, TODAY, enhanced=False)
    assert only.body == {"notifyOption": "NoNotification"}


def restated(
    warehouse: Engine, feed: str, day: date, at: datetime, *, differed: bool = True
) -> None:
    numbers = ("cut_batch_no", "records", "came", "went", "changed", "alerts_came", "alerts_went")
    numbers += ("quarantined", "released", "left_over", "seconds")
    words = {"person": "p", "prefer": "first", "sums_before": "{}", "sums_after": "{}"}
    row = dict.fromkeys(numbers, 0) | words | {"feed": feed, "event_date": day, "restated_at": at}
    row |= {"restatement_id": f"{feed}{day}{at}", "batch_no": 1 if differed else None}
    with warehouse.begin() as connection:
        connection.execute(insert(core.restatement).values(row))


def refreshed(warehouse: Engine, state: str, until: datetime, *, partitions: bool = False) -> None:
    days = (EVER, date(2026, 10, 28)) if partitions else (date(2026, 10, 29), NEVER)
    asked = record.ask(warehouse, f"{state}{until}{partitions}", Reach(*days, until, partitions))
    record.ended(warehouse, asked.refresh_id, state, "")


def due(warehouse: Engine) -> list[tuple[str, date]]:
    with warehouse.connect() as connection:
        return sorted((one.feed, one.day) for one in record.due_days(connection))


def test_a_restated_day_is_due_until_a_refresh_that_reads_it_completed(warehouse: Engine) -> None:
    old, new, hour = date(2016, 1, 2), date(2026, 11, 2), timedelta(hours=1)
    restated(warehouse, "fleet", old, AT)
    restated(warehouse, "fleet", new, AT)
    restated(warehouse, "environment", old, AT, differed=False)
    assert due(warehouse) == [("fleet", old), ("fleet", new)]
    refreshed(warehouse, "failed", AT + hour)
    assert due(warehouse) == [("fleet", old), ("fleet", new)]
    refreshed(warehouse, "completed", AT - hour)
    assert due(warehouse) == [("fleet", old), ("fleet", new)]
    refreshed(warehouse, "completed", AT + hour)
    assert due(warehouse) == [("fleet", old)]
    refreshed(warehouse, "failed", AT + hour, partitions=True)
    with warehouse.connect() as connection:
        assert record.partitions_failed(connection)
        assert record.last_by_policy(connection) is not None
    refreshed(warehouse, "completed", AT + hour, partitions=True)
    assert due(warehouse) == []
    restated(warehouse, "fleet", old, AT + 2 * hour)
    assert due(warehouse) == [("fleet", old)]
