"""Readings over HTTP, on a whole stack, with the API killed in the middle."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.local_stack import LocalStack, wait_for
from tests.readings import message, place
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

BATCHES, SIZE = 20, 500
STRAYS, UNREADABLE = 3, 2
"""Per batch: readings that the stream quarantines, and items that the API refuses."""


def batches(feed: Feed) -> list[list[dict[str, Any]]]:
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    found = []
    for number in range(BATCHES):
        sensor = f"http-{number}"
        batch = [
            message(feed, sensor=sensor, at=newest - timedelta(seconds=n), step=n)
            for n in range(SIZE)
        ]
        for reading in batch[:STRAYS]:
            ranged = next(field for field in feed.fields.values() if field.valid)
            place(reading, ranged.path, 1e9)
        for reading in batch[-UNREADABLE:]:
            place(reading, feed.event_time, "yesterday")
        found.append(batch)
    return found


@pytest.mark.parametrize("name", ["air_quality", "gas_turbine"])
def test_every_reading_answered_with_202_is_accounted_for(
    local_stack: LocalStack, name: str
) -> None:
    feed = get_feed(name)
    before = local_stack.account(feed)
    address = f"http://{local_stack.stack.address('ingest')}/v1/readings/{name}"
    bearer = {"Authorization": f"Bearer {local_stack.stack.secrets['ingest_key']}"}
    good = SIZE - STRAYS - UNREADABLE

    def post(batch: list[dict[str, Any]]) -> httpx.Response:
        body = json.dumps(batch)
        headers = bearer | {"Content-Type": "application/json"}
        return httpx.post(address, content=body, headers=headers, timeout=60)

    def answered(batch: list[dict[str, Any]]) -> httpx.Response | None:
        try:
            reply = post(batch)
        except httpx.TransportError:
            return None
        return reply if reply.status_code == 202 else None

    for number, batch in enumerate(batches(feed)):
        if number == BATCHES // 2:
            with ThreadPoolExecutor(1) as pool:
                cut = pool.submit(answered, batch)
                local_stack.kill_program("ingest-api")
                cut.result()
        reply = wait_for(lambda batch=batch: answered(batch), f"batch {number} to be taken")
        assert reply.json()["accepted"] == SIZE - UNREADABLE
        places = [(r["index"], r["field"]) for r in reply.json()["rejected"]]
        assert places == [(n, feed.event_time) for n in range(SIZE - UNREADABLE, SIZE)]

    least = before["read"] + BATCHES * (SIZE - UNREADABLE)
    local_stack.settle(feed, least)

    def caught_up() -> dict[str, int] | None:
        account = local_stack.account(feed)
        return account if account["lag"] == 0 else None

    after = wait_for(caught_up, f"{name} to have no lag")
    grown = {part: after[part] - before[part] for part in after}
    parts = ("stored", "copies", "conflicts", "quarantined")
    assert grown["stored"] == BATCHES * good
    assert grown["conflicts"] == 0
    assert grown["quarantined"] >= BATCHES * STRAYS
    assert grown["read"] == sum(grown[part] for part in parts)
