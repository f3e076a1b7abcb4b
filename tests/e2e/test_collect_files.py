"""Files laid into the inbox of a whole stack: stored, archived, reported, and harmless twice."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.local_stack import LocalStack, wait_for
from tests.readings import message
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROWS, LINES = 24, 30
CSV, JSONL = "PRSA_Data_Harbour_x.csv", "partner.jsonl"


def table() -> str:
    """A day of one station as its recipe reads it, with an hour that is none."""
    rows = [f"2015,3,1,{hour},1{hour},20,3,4,500,60,Harbour" for hour in range(ROWS)]
    head = "year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,station"
    return "\n".join([head, *rows, "2015,3,1,25,1,1,1,1,1,1,Harbour"]) + "\n"


def lines(feed: Feed) -> str:
    """Messages of one sensor, and two lines that are none."""
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    good = [
        json.dumps(message(feed, sensor="partner-1", at=newest - timedelta(seconds=n), step=n))
        for n in range(LINES)
    ]
    return "\n".join([*good, "{'not': 'json'}", '{"half": ']) + "\n"


def deliver(folder: Path, name: str, text: str) -> None:
    """As a careful partner does: under a name that is not taken, then renamed."""
    part = folder / f"{name}.part"
    part.write_text(text, "utf-8")
    os.replace(part, folder / name)


def test_files_are_stored_archived_and_reported_and_count_once(local_stack: LocalStack) -> None:
    feed = get_feed("air_quality")
    folder = local_stack.stack.state / "inbox" / feed.name
    files = {CSV: table(), JSONL: lines(feed)}

    def archived(suffix: str = "") -> dict[str, Path] | None:
        names = {n: n.replace(".", f"{suffix}.", 1) for n in files}
        found = {n: next(folder.glob(f"done/*/{names[n]}"), None) for n in files}
        return {n: p for n, p in found.items() if p} if all(found.values()) else None

    def stored() -> dict[str, int]:
        sql = (
            "SELECT sensor, count(*) FROM report.air_quality_reading "
            "WHERE sensor IN ('Harbour', 'partner-1') GROUP BY sensor"
        )
        return dict(local_stack.query(sql))

    for name, text in files.items():
        deliver(folder, name, text)
    first = wait_for(archived, "both files to be archived")
    wanted = {"Harbour": ROWS, "partner-1": LINES}
    wait_for(lambda: stored() == wanted, "the readings to be stored")

    assert {name: path.read_text() for name, path in first.items()} == files
    report = first[JSONL].with_name(f"{JSONL}.report.txt").read_text()
    assert f"Lines sent:    {LINES}\nLines refused: 2" in report
    assert f"Line {LINES + 1}: not JSON" in report
    of_table = first[CSV].with_name(f"{CSV}.report.txt").read_text()
    assert f"Line {ROWS + 2}: column 'year month day hour': found '2015 3 1 25'" in of_table

    copies = local_stack.account(feed)["copies"]
    for name, text in files.items():
        deliver(folder, name, text)
    wait_for(lambda: archived("-2"), "both files to be archived again")
    again = ROWS + LINES
    wait_for(
        lambda: local_stack.account(feed)["copies"] == copies + again, "all to count as copies"
    )
    assert stored() == wanted
    assert not [path for path in folder.iterdir() if path.is_file()]
