"""The judge finds every mistake that is put into made-up data, and none where there is none."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.campaign import expected
from tests.campaign.expected import Reading, Record, start_of
from tests.campaign.judge import Kept, differences
from tests.campaign.sent import GOOD, Sent
from tests.readings import APPENDED, message, place
from vigie.contract.durations import format_duration
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.unit

FEEDS = list(load_feeds().values())
Made = tuple[Sent, list[Record], Kept]


@pytest.fixture(params=FEEDS, ids=lambda feed: feed.name)
def feed(request: pytest.FixtureRequest) -> Feed:
    return request.param


def made(feed: Feed) -> Made:
    """Readings of two sensors, a copy, a conflict, a late one and two bad ones; kept perfectly."""
    sent = Sent(feed.name)
    records: list[Record] = []

    def send(value: bytes, meaning: str, partition: int = 0) -> None:
        offset = sum(record.partition == partition for record in records)
        sent.mean(value, meaning, by_kafka=True)
        sent.delivered(value, partition, offset)
        records.append(Record(partition, offset, value, APPENDED))

    for step in range(6):
        for partition, sensor in enumerate(("s-1", "s-2")):
            at = APPENDED - timedelta(minutes=7 * step + 1)
            send(
                json.dumps(message(feed, sensor=sensor, at=at, step=step)).encode(), GOOD, partition
            )
    late = message(feed, sensor="s-1", at=APPENDED - 2 * feed.late_after - timedelta(days=1))
    send(json.dumps(late).encode(), GOOD)
    send(records[0].value, GOOD)
    name = next(field.path for field in feed.fields.values() if field.type == "float")
    other = json.loads(records[0].value)
    place(other, name, other[name] + 0.25)
    send(json.dumps(other).encode(), GOOD)
    send(b"{", "malformed")
    send(b"[]", "malformed", 1)

    firsts = [
        readings[0]
        for readings in expected.candidates(
            feed, [r for r in records if sent.meant[r.value] == GOOD]
        ).values()
    ]
    return sent, records, kept_of(feed, firsts, records)


def kept_of(feed: Feed, rows: list[Reading], records: list[Record]) -> Kept:
    """What a platform without fault keeps of these."""
    conflict, bad = records[-3].coordinates, (records[-2].coordinates, records[-1].coordinates)
    kept = Kept(rows=rows, lake=list(records))
    kept.quarantine = [(conflict, "conflicting_copy"), *((one, "malformed") for one in bad)]
    kept.alerts = [(a, r.sensor, r.event_time) for r in rows for a in expected.alerts(feed, r)]
    for key, pane in expected.panes(feed, rows).items():
        fields = {
            name: (
                *(len(v := pane.values[name]), math.fsum(v), math.fsum(x * x for x in v)),
                *(min(v, default=None), max(v, default=None)),
            )
            for name in feed.fields
        }
        kept.panes[key] = (pane.readings, pane.alerts, pane.warnings, pane.faults, fields)
    for window in feed.windows.sliding:
        counted: Counter[tuple[str, object]] = Counter()
        for row in rows:
            for k in range(window.length // window.slide):
                start = start_of(row.event_time, window.slide) - k * window.slide
                counted[row.sensor, start] += 1
        kept.windows += [
            (sensor, format_duration(window.length), start, start + window.length, number)
            for (sensor, start), number in counted.items()
        ]
    ends = Counter(record.partition for record in records)
    kept.ledger = [(part, *cut) for part, n in ends.items() for cut in ((0, 3), (3, n))]
    kept.counts = Counter(read=len(records), stored=len(rows), copies=1, conflicts=1, quarantined=2)
    if "documents" in feed.sinks:
        kept.documents = list(rows)
        for row in rows:
            newest = kept.latest.get(row.sensor, row.event_time)
            kept.latest[row.sensor] = max(newest, row.event_time)
    return kept


def altered(reading: Reading) -> Reading:
    return replace(reading, values=(reading.values[0] + 1, *reading.values[1:]))


def lose_in_topic(sent: Sent, records: list[Record], kept: Kept) -> None:
    records[3] = replace(records[3], value=records[2].value)


def never_sent(sent: Sent, records: list[Record], kept: Kept) -> None:
    del sent.meant[records[4].value]


def refused_yet_there(sent: Sent, records: list[Record], kept: Kept) -> None:
    for told in (sent.by_kafka, sent.acknowledged):
        told.discard(records[4].value)
    del sent.places[records[4].coordinates]
    sent.refused.add(records[4].value)


def lose_a_row(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows.pop(3)


def double_a_row(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows.append(kept.rows[3])


def alter_a_row(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows[3] = altered(kept.rows[3])


def forget_lateness(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows = [replace(row, is_late=False) for row in kept.rows]


def store_the_copy(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows[0] = replace(kept.rows[0], coordinates=records[-4].coordinates)


def store_what_nobody_sent(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.rows.append(replace(kept.rows[0], sensor="nobody"))


def wrong_reason(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.quarantine[1] = (kept.quarantine[1][0], "future")


def lose_from_quarantine(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.quarantine.pop()


def double_in_quarantine(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.quarantine.append(kept.quarantine[0])


def double_in_a_pane(sent: Sent, records: list[Record], kept: Kept) -> None:
    key, (readings, *rest) = next(iter(kept.panes.items()))
    kept.panes[key] = (readings + 1, *rest)


def add_twice_in_a_pane(sent: Sent, records: list[Record], kept: Kept) -> None:
    fields = next(iter(kept.panes.values()))[4]
    name, (n, total, *rest) = next(iter(fields.items()))
    fields[name] = (n, total * 2, *rest)


def lose_a_pane(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.panes.popitem()


def lose_a_window(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.windows.pop()


def alert_twice(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.alerts += [("a rule", "s-1", APPENDED)]


def gap_in_the_ledger(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.ledger[1] = (0, 4, kept.ledger[1][2])


def count_a_copy_as_stored(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.counts["stored"] += 1


def lose_in_the_lake(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.lake.pop(2)


def double_in_the_lake(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.lake.append(kept.lake[2])


def wrong_answer(sent: Sent, records: list[Record], kept: Kept) -> None:
    sent.wrong("answer 500")


def lose_a_document(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.documents.pop()


def alter_a_document(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.documents[2] = altered(kept.documents[2])


def old_state(sent: Sent, records: list[Record], kept: Kept) -> None:
    kept.latest["s-1"] -= timedelta(minutes=1)


MISTAKES: dict[Callable[..., None], str] = {
    lose_in_topic: "sent and in the topic: acknowledged, and not in the topic",
    never_sent: "sent and in the topic: partition 0, offset 2: nobody sent",
    refused_yet_there: "sent and in the topic: partition 0, offset 2: was refused by the API",
    lose_a_row: "readings: s-1 at 2026-03-01 11:38:00.000000 (partition 0, offset 3): lost",
    double_a_row: "readings: s-1 at 2026-03-01 11:38:00.000000 (partition 0, offset 3): stored t",
    alter_a_row: "readings: s-1 at 2026-03-01 11:38:00.000000 (partition 0, offset 3): stored (",
    forget_lateness: "in time, sent",
    store_the_copy: "stored, but the first is partition 0, offset 0",
    store_what_nobody_sent: "stored, and no good message has it",
    wrong_reason: "quarantine: partition 0, offset 9: found future, expected malformed",
    lose_from_quarantine: "quarantine: partition 1, offset 6: found None, expected malformed",
    double_in_quarantine: "quarantine: partition 0, offset 8: 2 rows",
    double_in_a_pane: "panes: s-1 2026-03-01",
    add_twice_in_a_pane: "panes: s-1 2026-03-01",
    lose_a_pane: "no pane",
    lose_a_window: "windows: all windows of",
    alert_twice: "alerts: alert ('a rule'",
    gap_in_the_ledger: "ledger: partition 0: a range begins at 4, not 3",
    count_a_copy_as_stored: "ledger: 14 stored, expected 13",
    lose_in_the_lake: "lake: partition 0, offset 1: lake None",
    double_in_the_lake: "lake: partition 0, offset 1: 2 times",
    wrong_answer: "wrong answers: answer 500",
}
OF_DOCUMENTS = {
    lose_a_document: "documents: ('s-2'",
    alter_a_document: "documents: ('s-1'",
    old_state: "documents: s-1: state of",
}


def test_nothing_is_found_where_all_is_right(feed: Feed) -> None:
    assert differences(feed, *made(feed)) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_each_mistake_is_named(feed: Feed, mistake: Callable[..., None]) -> None:
    data = made(feed)
    mistake(*data)
    assert MISTAKES[mistake] in "\n".join(differences(feed, *data))


@pytest.mark.parametrize("mistake", OF_DOCUMENTS, ids=lambda mistake: mistake.__name__)
def test_each_mistake_in_documents_is_named(mistake: Callable[..., None]) -> None:
    feed = next(feed for feed in FEEDS if "documents" in feed.sinks)
    data = made(feed)
    mistake(*data)
    assert OF_DOCUMENTS[mistake] in "\n".join(differences(feed, *data))


def test_of_two_partitions_either_first_may_be_stored(feed: Feed) -> None:
    sent, records, kept = made(feed)
    again = Record(1, 7, records[0].value, APPENDED)
    sent.delivered(again.value, 1, 7)
    records.append(again)
    kept.lake.append(again)
    kept.ledger.append((1, 7, 8))
    kept.counts.update(read=1, copies=1)
    assert differences(feed, sent, records, kept) == []

    kept.rows[0] = replace(kept.rows[0], coordinates=again.coordinates)
    if kept.documents is not None:
        kept.documents[0] = kept.rows[0]
    assert differences(feed, sent, records, kept) == []


def test_what_was_not_acknowledged_may_be_there_or_not(feed: Feed) -> None:
    sent, records, kept = made(feed)
    sent.mean(b'{"never": "arrived"}', GOOD, by_kafka=False)
    sent.acknowledged.discard(records[2].value)
    del sent.places[records[2].coordinates]
    assert differences(feed, sent, records, kept) == []
