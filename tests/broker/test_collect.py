"""Files go from the inbox to a real broker, and then to where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.readings import encoded
from tests.services import environment
from vigie.broker.offsets import read_topic
from vigie.broker.topics import ensure_topics
from vigie.collection import collect, inbox
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = pytest.mark.broker


@pytest.fixture
def feed(kafka: str) -> Feed:
    found = get_feed("fleet")
    ensure_topics([found])
    return found


@pytest.fixture
def folder(tmp_path: Path, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(inbox, "QUIET", 0.0)
    with environment(VIGIE_INBOX=str(tmp_path)):
        inbox.make_folders([feed.name])
        yield tmp_path / feed.name


def ends(feed: Feed) -> dict[int, int]:
    return {part: end for part, (_, end) in read_topic(feed.topic).partitions.items()}


def arrived(feed: Feed, address: str, since: dict[int, int]) -> list[bytes]:
    """The values that the topic got since then, sorted."""
    count = sum(ends(feed).values()) - sum(since.values())
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test"})
    consumer.assign([TopicPartition(feed.topic, part, end) for part, end in since.items()])
    found = [each.value() for each in consumer.consume(count, timeout=30)] if count else []
    consumer.close()
    return sorted(found)


def there(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_each_file_goes_where_it_belongs_and_what_is_right_is_sent(
    kafka: str, feed: Feed, folder: Path
) -> None:
    before = ends(feed)
    good = [encoded(feed, station=n) for n in range(3)]
    (folder / "all.jsonl").write_bytes(good[0] + b"\n")
    (folder / "some.jsonl").write_bytes(b"\n".join((good[1], b"{", good[2])))
    (folder / "none.jsonl").write_bytes(b"{}\n")
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "half.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (folder / "unknown.csv").write_text("a,b\n1,2\n")

    assert collect.collect_waiting() == []

    assert arrived(feed, kafka, before) == sorted(good)
    rejected = ("empty.jsonl", "half.jsonl.gz", "none.jsonl", "unknown.csv")
    today = next((folder / "done").iterdir()).name
    assert there(folder) == sorted(
        [f"done/{today}/{n}" for n in ("all.jsonl", "some.jsonl", "some.jsonl.report.txt")]
        + [f"rejected/{n}{ending}" for n in rejected for ending in ("", ".report.txt")]
    )
    reports = {n: (folder / "rejected" / f"{n}.report.txt").read_text() for n in rejected}
    assert "has no readings in it" in reports["empty.jsonl"]
    assert "could not be read as a whole: Compressed file ended" in reports["half.jsonl.gz"]
    assert "Line 1: field 'device': missing" in reports["none.jsonl"]
    assert "no format is agreed" in reports["unknown.csv"]
    assert all(str(folder) not in text for text in reports.values())


def test_a_second_file_of_a_name_takes_nothing_from_the_first(feed: Feed, folder: Path) -> None:
    for number in range(2):
        (folder / "a.jsonl.part").write_bytes(encoded(feed, station=number))
        (folder / "a.jsonl.part").rename(folder / "a.jsonl")
        assert collect.collect_waiting() == []

    names = sorted(path.name for path in (folder / "done").glob("*/*"))
    assert names == ["a-2.jsonl", "a.jsonl"]


def test_a_crash_before_the_file_is_put_away_sends_it_again(
    kafka: str, feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ends(feed)
    (folder / "a.jsonl").write_bytes(encoded(feed))
    with monkeypatch.context() as patch:
        patch.setattr(collect, "_put_away", lambda *_: (_ for _ in ()).throw(OSError("full")))
        (failure,) = collect.collect_waiting()
    assert "a.jsonl: full" in failure

    assert collect.collect_waiting() == []

    assert arrived(feed, kafka, before) == [encoded(feed)] * 2
    assert [path.name for path in folder.glob("done/*/*")] == ["a.jsonl"]


def test_a_file_that_grows_while_it_is_read_stays(
    feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(encoded(feed) + b"\n")
    read = collect.read_lines

    def grow(*arguments):
        yield from read(*arguments)
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(collect, "read_lines", grow)
    assert collect.collect_waiting() == []
    assert there(folder) == ["a.jsonl"]


def test_with_kafka_away_every_file_stays_and_is_named(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(b"{}")
    with environment(VIGIE_KAFKA="127.0.0.1:1"):
        (failure,) = collect.collect_waiting()
    assert "a.jsonl" in failure
    assert "127.0.0.1:1" in failure
    assert there(folder) == ["a.jsonl"]
