"""What is sent of a file, and what its report says of the rest."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.readings import encoded, message
from vigie.collection.json_lines import read_lines
from vigie.collection.report import Report
from vigie.collection.tables import read_table
from vigie.contract.loader import get_feed
from vigie.errors import RecipeError
from vigie.replay.recipes import recipes_of

FEED = get_feed("air_quality")
HEAD = "year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,station"
GOOD = "2015,3,1,{},9,20,3,4,500,60,Dongsi"
TABLE = "PRSA_Data_x.csv"


def lines(path: Path, text: bytes) -> tuple[list[tuple[bytes, bytes]], Report]:
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    report = Report(path.name, FEED)
    return list(read_lines(path, FEED, report)), report


def table(path: Path, *rows: str, head: str = HEAD) -> tuple[list[tuple[bytes, bytes]], Report]:
    path.write_text("\n".join((head, *rows)) + "\n")
    report = Report(path.name, FEED)
    return list(read_table(path, FEED, recipes_of(FEED), report)), report


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_line_is_sent_as_it_came_keyed_by_its_sensor(tmp_path: Path, name: str) -> None:
    one = b'{ "odd":1, ' + encoded(FEED, station="x")[1:]
    two = json.dumps(message(FEED, sensor="é"), ensure_ascii=False).encode()

    sent, report = lines(tmp_path / name, b"\xef\xbb\xbf" + one + b"\r\n\n  " + two)

    assert [value for _, value in sent] == [one, two]
    assert sent[1][0] == "é".encode()
    assert (report.read, report.refused) == (2, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": ', "not JSON: Expecting value at character"),
        (b"{'a': 1}", "not JSON: Expecting property name"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{} {}", "more than one value"),
        (b"[{}]", "found [{}], expected one JSON object"),
        (b"text", "not JSON"),
        (b"{}", f"field {FEED.sensor!r}: missing, expected the sensor's name"),
        (encoded(FEED, **{FEED.event_time: "noon"}), f"field {FEED.event_time!r}: found"),
        (b'"' + b"x" * FEED.kafka.max_message + b'"', "bytes, at most"),
        (b"x" * 3 * FEED.kafka.max_message, "not JSON"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_sent(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    good = encoded(FEED)

    sent, report = lines(tmp_path / "a.jsonl", b"\n".join((good, b"", line, good)))

    assert [value for _, value in sent] == [good, good]
    ((number, found),) = report.faults
    assert number == 3
    assert found.startswith(reason) or reason in found
    assert len(found) < 300


def test_rows_that_cannot_be_read_are_named_by_line_and_the_others_sent(tmp_path: Path) -> None:
    rows = [
        GOOD.format(0),
        "",
        GOOD.format(25),
        GOOD.format(1).replace("500", "many"),
        GOOD.format(2) + ",1",
        GOOD.format(3).removesuffix("Dongsi"),
        ",,,,,,,,,,",
        GOOD.format(4).replace("Dongsi", '"Dong\nsi"'),
        GOOD.format(24),
        GOOD.format(5),
    ]

    sent, report = table(tmp_path / TABLE, *rows)

    assert [key for key, _ in sent] == [b"Dongsi", b"Dong\nsi", b"Dongsi"]
    assert [json.loads(value)[FEED.event_time] for _, value in sent] == [
        f"2015-{day}:00:00.000Z" for day in ("02-28T16", "02-28T20", "02-28T21")
    ]
    assert (report.read, report.refused) == (8, 5)
    numbers = "a number or one of the missing markers"
    assert report.faults == [
        (4, "column 'year month day hour': found '2015 3 1 25', expected a time written as "
            "%Y %m %d %H"),
        (5, f"column 'CO': found 'many', expected {numbers}"),
        (6, "found 12 values, expected at most 11"),
        (7, "column 'station': found nothing, expected the name of a sensor"),
        (11, "column 'year month day hour': found '2015 3 1 24', expected a time written as "
             "%Y %m %d %H"),
    ]  # fmt: skip


def test_a_file_of_no_agreed_format_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no format is agreed(.|\n)*PRSA_Data_\*\.csv"):
        table(tmp_path / "other.csv", GOOD.format(0))
    with pytest.raises(RecipeError, match=r"no column 'CO', .*'station'"):
        table(tmp_path / TABLE, "1,2", head="a,b")
    with pytest.raises(RecipeError, match="the last one empty; the header has 11"):
        table(tmp_path / TABLE, GOOD.format(0) + ",")


def test_a_report_counts_all_and_lists_the_first() -> None:
    report = Report("a.jsonl", FEED, read=500, sent=300)
    for line in range(200):
        report.refuse(line + 1, "wrong")

    text = report.text(datetime(2026, 3, 1, 12, tzinfo=UTC))

    assert "Taken: 2026-03-01 12:00:00 UTC" in text
    assert "Lines read:    500\nLines sent:    300\nLines refused: 200\n" in text
    assert text.count("wrong") == 100
    assert "100 more lines were refused" in text
    assert "deliver the whole file again" in text
