"""Browsing quarantine: whatever a device sent can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from typer.testing import CliRunner, Result

from tests.dialects import mssql_in_campaign
from vigie.cli import app
from vigie.contract.loader import load_feeds
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine

pytestmark = [pytest.mark.warehouse, mssql_in_campaign]
FEED, OTHER = list(load_feeds())[:2]
NOW = datetime.now(UTC)
RAWS = {
    1: b'{"co2": [red], "a": 1}',
    2: b'{"co2":-5,"station":"s-1","note":"caf\xc3\xa9"}',
    3: b"\xff\xfe\x00\x1b[31m\\ \xc3\xa9\n",
    4: b"x" * 1000,
    5: None,
}


def vigie(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["quarantine", *arguments])


@pytest.fixture
def quarantined(warehouse: Engine) -> Engine:
    def row(feed: str, offset: int, raw: bytes | None, **values: Any) -> dict[str, Any]:
        common = {"feed": feed, "topic_id": "t", "kafka_partition": 2, "kafka_offset": offset}
        common |= {"append_time": NOW, "reason": "malformed", "detail": "why", "batch_no": 1}
        common |= {"quarantined_at": NOW - timedelta(hours=offset), "sensor": "s-1"}
        common |= {"raw": raw, "raw_length": raw and len(raw)}
        return common | values

    rows = [row(FEED, offset, raw) for offset, raw in RAWS.items()]
    rows += [row(FEED, 6, b"{}", reason="empty", sensor="s-2", raw_length=70_000)]
    rows[2] |= {"sensor": "\x1b[2J"}
    rows += [row(OTHER, 1, b"{}", reason="future")]
    with warehouse.begin() as connection:
        for values in rows:
            connection.execute(insert(core.quarantine).values(values))
    return warehouse


def listed(*options: str) -> list[int]:
    result = vigie("list", FEED, "--json", *options)
    assert result.exit_code == 0, result.output
    return [row["kafka_offset"] for row in json.loads(result.output)]


def test_messages_are_listed_newest_first_and_chosen(quarantined: Engine) -> None:
    assert listed() == [1, 2, 3, 4, 5, 6]
    assert listed("--limit", "2") == [1, 2]
    assert listed("--reason", "empty") == [6]
    assert listed("--sensor", "s-2") == [6]
    # The rows are as old as they were when this file was read, and what ran since.
    minutes = (datetime.now(UTC) - NOW) // timedelta(minutes=1) + 150
    assert listed("--since", f"{minutes} minutes") == [1, 2]
    assert listed("--since", (NOW - timedelta(hours=3, minutes=30)).isoformat()) == [1, 2, 3]


def test_a_since_that_says_nothing_is_refused(quarantined: Engine) -> None:
    result = vigie("list", FEED, "--since", "yesterday")

    assert result.exit_code == 2
    assert "'yesterday' is neither" in result.output


def test_a_list_shows_the_text_of_each_message_on_one_line(quarantined: Engine) -> None:
    shown = "".join(vigie("list", FEED).output.split())

    assert "[red]" in shown
    assert "café" in shown
    assert r"\xff\xfe\x00\x1b[31m" in shown
    assert "(1,000bytes)" in shown
    assert "\x1b" not in shown


def test_one_message_is_shown_whole(quarantined: Engine) -> None:
    assert '  "note": "café"' in vigie("show", FEED, "2", "2").output
    assert "\x1b" not in vigie("show", FEED, "2", "3").output
    assert "x" * 1000 in vigie("show", FEED, "2", "4").output.replace("\n", "")
    assert "nothing was kept" in vigie("show", FEED, "2", "5").output
    assert "first 2 of 70,000 bytes" in vigie("show", FEED, "2", "6").output
    (row,) = json.loads(vigie("show", FEED, "2", "2", "--json").output)
    assert row["raw"] == RAWS[2].decode()


def test_a_message_that_is_not_there_is_exit_code_1(quarantined: Engine) -> None:
    result = vigie("show", FEED, "0", "99")

    assert result.exit_code == 1
    assert "nothing quarantined at partition 0, offset 99" in result.output


def test_the_summary_counts_by_feed_and_reason(quarantined: Engine) -> None:
    rows = json.loads(vigie("summary", "--json").output)
    counted = {(row["feed"], row["reason"]): row["messages"] for row in rows}
    assert counted == {(FEED, "malformed"): 5, (FEED, "empty"): 1, (OTHER, "future"): 1}
    assert "future" not in vigie("summary", FEED).output
    seen = datetime.fromisoformat(rows[0]["last_seen"])
    assert abs(seen - (NOW - timedelta(hours=1))) < timedelta(seconds=1)


def test_an_empty_quarantine_says_so(warehouse: Engine) -> None:
    assert "nothing is in quarantine" in vigie("summary").output


def test_an_analyst_reads_the_text_of_any_message(quarantined: Engine) -> None:
    query = text(
        "SELECT kafka_offset, message FROM report.quarantine WHERE feed = :feed ORDER BY 1"
    )
    with get_engine("reader").connect() as connection:
        messages = {
            row.kafka_offset: row.message for row in connection.execute(query, {"feed": FEED})
        }

    assert messages[2] == RAWS[2].decode()
    assert messages[3] == "\\377\\376\\000\x1b[31m\\\\ \\303\\251\n"
    assert messages[5] is None
