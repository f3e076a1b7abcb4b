"""Files sent by `vigie replay` through a real broker, and stored by a feed's driver."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, insert, select

from tests.local_stack import vigie, wait_for
from tests.services import forget_topic
from vigie.contract.feed import Feed
from vigie.streaming.driver import run_driver
from vigie.supervision.desire import set_desired
from vigie.warehouse import core


def replay(feed: Feed, files: list[Path]) -> int:
    """Send files as an engineer does; how many messages the broker acknowledged."""
    done = vigie("replay", feed.name, *map(str, files), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert counts["sent"] == counts["acknowledged"]
    return int(counts["acknowledged"])


def store_all(engine: Engine, feed: Feed, messages: int) -> None:
    """Run the feed's driver until it has read so many messages, then stop it."""
    with driver(engine, feed) as codes:
        wait_for(lambda: _read(engine, feed) >= messages or codes, "the driver to read all")
    assert codes == [0], failure(engine, feed)


@contextmanager
def driver(engine: Engine, feed: Feed, launch: int = 1) -> Iterator[list[int]]:
    """The feed's driver, in the test's Spark session; asked to stop when the block ends.

    Yields a list that gets the exit code.
    """
    row = {"feed": feed.name, "launch": launch, "contract_hash": feed.hash, "code_version": "test"}
    with engine.begin() as connection:
        connection.execute(insert(core.launch).values(row))
    set_desired(engine, feed.name, "running", person="test")
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run_driver(feed, launch)), daemon=True)
    thread.start()
    try:
        yield codes
    finally:
        set_desired(engine, feed.name, "stopped", person="test")
        thread.join(120)


def failure(engine: Engine, feed: Feed) -> str | None:
    """The class of the error that the newest launch ended with."""
    t = core.launch.c
    query = select(t.error_class, t.error_tail).where(t.feed == feed.name)
    with engine.connect() as connection:
        found = connection.execute(query.order_by(t.launch.desc())).first()
    assert found is not None
    print(found.error_tail)
    return str(found.error_class)


@contextmanager
def own_topic(feed: Feed) -> Iterator[None]:
    """Have the feed's topic hold nothing of tests before, and nothing for tests after."""
    forget_topic(feed)
    yield
    forget_topic(feed)


def _read(engine: Engine, feed: Feed) -> int:
    t = core.ledger.c
    query = select(func.coalesce(func.sum(t.messages_read), 0)).where(t.feed == feed.name)
    with engine.connect() as connection:
        return int(connection.execute(query).scalar_one())
