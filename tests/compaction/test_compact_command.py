"""`vigie compact` and `vigie compaction list`, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from vigie.cli import app
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.warehouse.month_locks import hold_months

pytestmark = pytest.mark.warehouse

FEED = next(iter(load_feeds().values()))


def vigie(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_an_operator_looks_compacts_and_reads_what_was_done(
    warehouse: Engine, fill: Callable[[Feed], None]
) -> None:
    fill(FEED)

    looked = vigie("compact", FEED.name, "--month", "2026-01", "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert "nothing was changed" in looked.output
    assert vigie("compaction", "list").output.strip() == "nothing was compacted"

    done = vigie("compact", FEED.name, "--month", "2026-01", "--json")
    assert done.exit_code == 0, done.output
    tables = {one["table_name"]: one for one in json.loads(done.stdout)["compacted"]}
    assert tables[f"{FEED.name}_reading"]["steps"] == "tidy"
    assert "nothing to do" in vigie("compact", FEED.name, "--month", "2026-01").output

    listed = vigie("compaction", "list", FEED.name)
    assert listed.exit_code == 0
    assert f"{FEED.name}_reading" in listed.output
    rows = json.loads(vigie("compaction", "list", FEED.name, "--json").stdout)["compactions"]
    assert {row["table_name"] for row in rows} == set(tables)


def test_what_cannot_be_done_is_said_in_one_line(
    warehouse: Engine, fill: Callable[[Feed], None]
) -> None:
    fill(FEED)
    this = f"{datetime.now(UTC):%Y-%m}"
    for arguments, said in (
        ((FEED.name, "--month", this), "still open"),
        ((FEED.name, "--month", "2011-05"), "no table has such a month"),
        (("nosuch",), "nosuch"),
    ):
        refused = vigie("compact", *arguments)
        assert refused.exit_code == 2
        assert said in " ".join(refused.output.split())
    with hold_months(warehouse, FEED.name, [date(2026, 1, 1)]):
        busy = vigie("compact", FEED.name)
    assert busy.exit_code == 2
    assert "another process restates or compacts it" in " ".join(busy.output.split())
    assert f"{FEED.name}_reading" in busy.output, "February was done, and is told"
