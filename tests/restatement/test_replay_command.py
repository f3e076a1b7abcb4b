"""`vigie quarantine replay` as its user runs it: contract mended, command killed, run again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from tests.readings import message, place
from tests.restatement.pool import NOON, Stream, judged, out_of_range, run_stream
from tests.services import environment
from vigie.cli.app import app
from vigie.contract.loader import feed_files, get_feed, load_feeds
from vigie.reconciliation.reconcile import reconcile
from vigie.restatement.record import recent

pytestmark = [pytest.mark.warehouse, pytest.mark.spark]

NAME = "environment"
# The app, which dies right before its commit.
_DIES = """
import os, signal, sys
sys.argv = ["replay_quarantine.py", {name!r}, "--person=somebody"]
sys.path.insert(0, {apps!r})
from vigie.restatement import replay
replay.write_record = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
import replay_quarantine
replay_quarantine.main()
"""


def vigie(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def stream(spark: SparkSession, warehouse: Engine) -> Iterator[Stream]:
    """Twenty readings, four of them out of range, and two messages that are no readings."""
    feed = load_feeds()[NAME]
    name, beyond = out_of_range(feed)
    made = [(NOON, b"{"), (NOON, b"[]")]
    for number in range(20):
        at = NOON + timedelta(seconds=number)
        one = message(feed, sensor="-s", at=at, step=number)
        if number % 5 == 0:
            place(one, feed.fields[name].path, beyond)
        made.append((at, json.dumps(one).encode()))
    stream = run_stream(warehouse, feed, judged(spark, feed, made), np.random.default_rng(1))
    yield stream
    stream.store.close()


@pytest.fixture
def mended(stream: Stream, tmp_path: Path) -> Iterator[Stream]:
    """The settings pointing at contracts with a wider range."""
    name, beyond = out_of_range(stream.feed)
    folder = tmp_path / "feeds"
    shutil.copytree(feed_files()[0].parent, folder)
    file = folder / f"{NAME}.yaml"
    found = re.sub(
        rf"(\b{name}: .*valid: \[[^,]+), [^\]]+\]", rf"\1, {beyond + 1}]", file.read_text("utf-8")
    )
    file.write_text(found, "utf-8")
    with environment(VIGIE_FEEDS=str(folder)):
        valid = get_feed(NAME).fields[name].valid
        assert valid is not None
        assert valid[1] == beyond + 1
        yield stream


@pytest.mark.timeout(300)
def test_a_mended_contract_releases_what_it_takes(mended: Stream, warehouse: Engine) -> None:
    from vigie.settings import get_settings

    before, kept = mended.rows(), mended.quarantine()
    dies = _DIES.format(name=NAME, apps=str(get_settings().spark_apps))
    killed = subprocess.run([sys.executable, "-c", dies], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (mended.rows(), mended.quarantine()) == (before, kept)

    told = vigie("quarantine", "replay", NAME, "--dry-run", "--json")
    assert told.exit_code == 0, told.output
    assert (mended.rows(), mended.quarantine()) == (before, kept)
    done = vigie(
        *("quarantine", "replay", NAME, "--sensor", "-s", "--since", "2 hours"),
        *("--because", "the range was wrong"),
    )

    assert done.exit_code == 0, done.output
    assert json.loads(told.stdout)["released"] == 4
    assert json.loads(told.stdout)["quarantined"] == {"malformed": 2}
    assert "4 released: 4 readings stored, on 1 days, and 0 copies" in done.stdout
    assert "still quarantined: none" in done.stdout
    (row,) = recent(warehouse, NAME, 10)
    assert (row["source"], row["reason"], row["came"]) == ("quarantine", "the range was wrong", 4)
    sums = [json.loads(row[name]) for name in ("sums_before", "sums_after")]
    name, beyond = out_of_range(mended.feed)
    assert sums[1][name] == pytest.approx(sums[0][name] + 4 * beyond)
    assert reconcile(mended.feed, warehouse, patience=0.1).unaccounted == ()
    assert "released from quarantine" in " ".join(vigie("reconcile", NAME).stdout.split())
    assert "quarantine" in vigie("restatement", "list", NAME).stdout
