from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.browser.pages.filled import Filling, say
from tests.services import environment, warehouse_settings
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.contract.new_feed import new_contract
from vigie.local import pages
from vigie.local.ports import choose_ports
from vigie.local.postgres import connect
from vigie.local.stack import Stack
from vigie.settings import get_settings
from vigie.warehouse.engines import get_engine
from vigie.warehouse.plan import make_plan
from vigie.warehouse.roll_ups import roll_up_changed

EMPTY, UNPLANNED = "cold_store", "warm_store"
"""Feeds that are one file each: with tables and no reading, and without tables."""
SENSORS = 4
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Site:
    """The pages of a warehouse that has weeks of readings of every shipped feed."""

    address: str
    feeds: Mapping[str, Feed]
    database: str
    stack: Stack
    variables: Mapping[str, str]
    fillings: dict[str, Filling] = field(default_factory=dict)

    def url(self, feed: Feed | str, page: str) -> str:
        """Where a feed's page is."""
        name = feed if isinstance(feed, str) else feed.name
        return f"{self.address}/{name}-{page}"

    @contextmanager
    def settings(self) -> Iterator[None]:
        """The settings of the test point at the warehouse."""
        with environment(**self.variables):
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """The warehouse lets nobody in."""
        with connect(self.stack) as connection:
            connection.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS false")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{self.database}' AND usename = 'vigie_reader'"
            )
        try:
            yield
        finally:
            with connect(self.stack) as connection:
                connection.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS true")


@pytest.fixture(scope="session")
def site(postgres: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages and their filled warehouse, shared by the run."""
    name = f"pages_{uuid4().hex[:12]}"
    with connect(postgres) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE vigie OWNER vigie_owner")
    variables = warehouse_settings(postgres, name)
    shipped = load_feeds()
    folder = tmp_path_factory.mktemp("feeds") / "feeds"
    shutil.copytree(get_settings().feeds, folder)
    with environment(**variables):
        _plan(folder, shipped)
        fillings = {name: fill(feed) for name, feed in shipped.items()}
    (folder / f"{UNPLANNED}.yaml").write_text(new_contract(UNPLANNED), "utf-8")
    live = {"VIGIE_FEEDS": str(folder), "VIGIE_PAGES_REFRESH": "1"}
    with served(postgres, variables | live, tmp_path_factory.mktemp("pages")) as address:
        yield Site(address, shipped, name, postgres, variables, fillings)
    for filling in fillings.values():
        filling.close()
        filling.engine.dispose()
    with connect(postgres) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(feed: Feed) -> Filling:
    """Some weeks of a feed's readings, and its roll-ups."""
    now = datetime.now(UTC).replace(microsecond=0)
    filling = Filling(get_engine(), feed, SENSORS)
    begin = now - 21 * DAY
    filling.history(begin, now - 2 * HOUR, HOUR)
    filling.history(now - 2 * HOUR, now - timedelta(seconds=2), timedelta(minutes=1))
    roll_up_changed(feed)
    say(filling.engine, feed)
    return filling


@contextmanager
def served(stack: Stack, variables: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Serve the pages as the local stack does; yields their address."""
    port = choose_ports({}, only_free=True)["pages"]
    there = Stack(folder, {**stack.ports, "pages": port}, stack.secrets, stack.socket)
    log = folder / "pages.log"
    with log.open("wb") as output:
        command = pages.program(there).command
        server = subprocess.Popen(
            command, env=os.environ | dict(variables), stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + 90
            while not pages.is_up(there):
                if time.monotonic() > deadline or server.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.2)
            yield f"http://{there.address('pages')}"
        finally:
            server.terminate()
            server.wait(30)


def _plan(folder: Path, shipped: Mapping[str, Feed]) -> None:
    """Make the tables of a sixth feed."""
    (folder / f"{EMPTY}.yaml").write_text(new_contract(EMPTY), "utf-8")
    feeds = [*shipped.values(), load_feeds(folder)[EMPTY]]
    with get_engine("owner").begin() as connection:
        for name, sql in make_plan(feeds, get_settings().ddl).files.items():
            if name.startswith("postgresql/"):
                connection.execute(text(sql))
