"""The Streams page as its operator uses it, on a whole stack with readings coming in."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.airflow import Airflow
from tests.local_stack import RECOVERY, LocalStack, wait_for
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.local.feeds import chosen_feeds

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
PATIENCE = RECOVERY * 1000


@contextmanager
def simulated(feed: Feed) -> Iterator[None]:
    """Some readings a second for as long as the block lasts."""
    vigie = str(Path(sys.executable).with_name("vigie"))
    command = [vigie, "simulate", feed.name, "--rate", "5"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def log_in(page: Page, stack: LocalStack) -> None:
    page.goto(f"http://{stack.stack.address('airflow')}/auth/login")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(stack.stack.secrets["airflow_admin"])
    page.get_by_role("button", name="Sign in").click()


def open_streams(page: Page) -> FrameLocator:
    page.get_by_role("link", name="Streams").click(timeout=PATIENCE)
    return page.frame_locator("iframe")


def figure(card: Locator, name: str) -> Locator:
    return card.locator(f'[data-figure="{name}"] .value')


@pytest.mark.campaign
def test_a_stream_is_watched_stopped_and_started_from_airflow(
    page: Page, local_stack: LocalStack
) -> None:
    feed = get_feed(chosen_feeds(None)[0])
    log_in(page, local_stack)
    streams = open_streams(page)
    card = streams.locator(f'[data-feed="{feed.name}"]')
    state = card.locator(".badge")
    expect(state).to_have_text("running", timeout=PATIENCE)
    for part, name in (("pages", "Readings"), ("spark_master_ui", "Spark"), ("mlflow", "Models")):
        link = streams.get_by_role("link", name=name)
        expect(link).to_have_attribute("href", f"http://{local_stack.stack.address(part)}")
    with simulated(feed):
        expect(figure(card, "Rate")).not_to_have_text("0", timeout=PATIENCE)
        seen = figure(card, "Rate").inner_text()
        expect(figure(card, "Rate")).not_to_have_text(seen, timeout=PATIENCE)
        expect(figure(card, "Last commit")).to_have_text(re.compile(r"^\d+ s ago$"))

        before = local_stack.stream(feed)["launch"]
        card.get_by_role("button", name="Stop").click()
        streams.get_by_role("dialog").get_by_role("button", name="Stop").click()
        expect(state).to_have_text("stopped", timeout=PATIENCE)
        wait_for(lambda: not local_stack.drivers(feed), "the driver to be gone")
        committed = local_stack.messages_read(feed)
        ended = f"SELECT outcome, error_class FROM ops.launch WHERE feed = '{feed.name}' "
        assert local_stack.query(f"{ended} AND launch = {before}") == [("stopped", None)]

        card.get_by_role("button", name="Start").click()
        streams.get_by_role("dialog").get_by_role("button", name="Start").click()
        expect(state).to_have_text("running", timeout=PATIENCE)
        expect(figure(card, "Launch")).to_have_text(f"#{before + 1}")
        more = wait_for(lambda: local_stack.messages_read(feed) > committed, "it to commit again")
        assert more
    account = local_stack.settle(feed, committed + 1)
    assert (account["gaps"], account["overlaps"]) == (0, 0)

    found = local_stack.read("stream", "events", feed.name)["events"]
    done = [(e["kind"], e["person"]) for e in found if e["kind"] in ("start", "stop")]
    assert done[-2:] == [("stop", "admin"), ("start", "admin")]
    card.get_by_text("Details", exact=True).click()
    expect(card.get_by_role("row", name=re.compile("stop admin"))).to_be_visible(timeout=PATIENCE)
    card.get_by_role("link", name="Current DAG run").click()
    expect(page).to_have_url(re.compile(rf"/dags/stream_{feed.name}/runs/"))


def test_a_streams_task_leads_to_the_page(local_stack: LocalStack) -> None:
    airflow = Airflow(local_stack)
    feed = chosen_feeds(None)[0]
    run = airflow.get(f"/dags/stream_{feed}/dagRuns", order_by="-run_after", limit=1)
    run_id = quote(run["dag_runs"][0]["dag_run_id"])
    links = airflow.get(f"/dags/stream_{feed}/dagRuns/{run_id}/taskInstances/stream/links")
    found = links["extra_links"]
    assert found["Streams"] == f"http://{local_stack.stack.address('airflow')}/plugin/streams"
    assert found["Spark application"].startswith("http://127.0.0.1:")
