"""The Streams page in a browser, on an API server alone, over streams in every state."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.api_server import ApiServer
from tests.browser.accessibility import assert_accessible, assert_fits
from tests.seeded_streams import committed, empty, every_state
from tests.warehouse.streams import events
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.warehouse
PATIENCE = 60_000
"""Milliseconds that a busy machine may take."""


@pytest.fixture(autouse=True)
def states(console: ApiServer) -> Iterator[dict[str, str]]:
    """Each feed in another state; feed and state."""
    empty(console.engine)
    yield every_state(console.engine)
    empty(console.engine)


def open_as(page: Page, console: ApiServer, role: str, address: str = "/vigie/streams") -> None:
    cookie = {"name": "_token", "value": console.token(role), "url": console.address}
    page.context.add_cookies([cookie])
    page.goto(console.address + address)


def card(page: Page, feed: str) -> Locator:
    return page.locator(f'[data-feed="{feed}"]')


def shows(page: Page, feed: str, state: str) -> None:
    expect(card(page, feed)).to_have_attribute("data-state", state, timeout=PATIENCE)


def of_state(states: dict[str, str], state: str) -> str:
    return next(feed for feed, found in states.items() if found == state)


def test_each_state_says_what_it_means_and_what_to_do(
    page: Page, console: ApiServer, states: dict[str, str]
) -> None:
    open_as(page, console, "admin")
    for feed, state in states.items():
        shows(page, feed, state)
        expect(card(page, feed).locator(".badge")).to_have_text(state)
        expect(card(page, feed).locator(".phase")).not_to_be_empty()
    blocked, dead = card(page, of_state(states, "blocked")), card(page, of_state(states, "dead"))
    expect(blocked).to_contain_text("Gap: partition 0, offsets 0 to 9: expired")
    expect(blocked).to_contain_text("--accept-gap")
    expect(dead).to_contain_text("OutOfMemoryError: Java heap space")
    dead.get_by_text("Details").click()
    dead.get_by_text("Last lines of launch 4").click()
    expect(dead.locator("pre")).to_contain_text("at org.apache.spark.Task.run")
    page.get_by_role("button", name=re.compile("Needs attention")).click()
    expect(page.locator(".stream:visible")).to_have_count(3)


def test_figures_change_as_messages_are_committed(
    page: Page, console: ApiServer, states: dict[str, str]
) -> None:
    feed = of_state(states, "waiting")
    open_as(page, console, "viewer")
    rate = card(page, feed).locator('[data-figure="Rate"] .value')
    commit = card(page, feed).locator('[data-figure="Last commit"] .value')
    expect(rate).to_have_text("0", timeout=PATIENCE)
    expect(commit).to_have_text("never")
    committed(console.engine, feed, seconds=60)
    expect(rate).not_to_have_text("0", timeout=PATIENCE)
    expect(commit).to_have_text(re.compile(r"\d+ s ago"))
    plot = card(page, feed).get_by_role("img", name=re.compile("Messages committed"))
    expect(plot).to_have_attribute("aria-label", re.compile(r"at most [1-9]"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_people_with_disabilities_can_use_it(
    page: Page, console: ApiServer, states: dict[str, str], scheme: str
) -> None:
    open_as(page, console, "admin")
    for feed, state in states.items():
        shows(page, feed, state)
    dead = card(page, of_state(states, "dead"))
    dead.get_by_text("Details").click()
    expect(dead.get_by_role("table")).to_have_count(2)
    assert_accessible(page, scheme)
    card(page, of_state(states, "running")).get_by_role("button", name="Stop").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page, scheme)


def test_it_fits_on_a_phone(phone: Page, console: ApiServer, states: dict[str, str]) -> None:
    open_as(phone, console, "admin")
    shows(phone, of_state(states, "running"), "running")
    assert_fits(phone)
    for details in phone.locator(".stream").all():
        details.get_by_text("Details", exact=True).tap()
    expect(phone.get_by_role("table")).to_have_count(2 * len(states))
    assert_fits(phone)


def test_a_stream_is_stopped_by_keyboard_after_a_question(
    page: Page, console: ApiServer, states: dict[str, str]
) -> None:
    feed = of_state(states, "running")
    before = events(console.engine, feed)
    open_as(page, console, "op")
    stop = card(page, feed).get_by_role("button", name="Stop")
    expect(stop).to_be_visible(timeout=PATIENCE)
    dialog = page.get_by_role("dialog")
    for key in ("Enter", "Escape"):
        stop.focus()
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("The batch in hand commits")
        # The choice that changes nothing has the focus.
        page.keyboard.press(key)
        expect(dialog).to_be_hidden()
        expect(stop).to_be_focused()
    assert events(console.engine, feed) == before
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is now set to stopped, as op asked")
    shows(page, feed, "stopping")
    assert events(console.engine, feed) == [*before, ("stop", "op")]


def test_a_viewer_is_told_why_there_is_no_button(page: Page, console: ApiServer) -> None:
    open_as(page, console, "viewer")
    expect(page.locator(".stream")).to_have_count(len(load_feeds()), timeout=PATIENCE)
    expect(page.get_by_text("your role must be allowed to edit its DAG")).to_be_visible()
    expect(page.locator(".actions button")).to_have_count(0)


def test_an_action_that_is_refused_says_what_to_do(
    page: Page, console: ApiServer, states: dict[str, str], expected_in_console: list[str]
) -> None:
    expected_in_console.append("401")
    open_as(page, console, "admin")
    running = card(page, of_state(states, "running"))
    running.get_by_role("button", name="Restart").click(timeout=PATIENCE)
    page.context.clear_cookies()
    page.get_by_role("dialog").get_by_role("button", name="Restart").click()
    expect(page.get_by_role("dialog")).to_contain_text("Log in to Airflow again")
    expect(page.get_by_role("link", name="Log in again")).to_be_visible(timeout=PATIENCE)


def test_while_the_warehouse_is_away_states_are_unknown_and_come_back(
    page: Page, console: ApiServer, states: dict[str, str]
) -> None:
    feed = of_state(states, "running")
    open_as(page, console, "admin")
    shows(page, feed, "running")
    with console.warehouse_away():
        shows(page, feed, "unknown")
        expect(page.get_by_role("alert")).to_contain_text("The warehouse does not answer since")
        expect(card(page, feed)).to_contain_text("Unknown since")
        expect(page.locator(".actions button")).to_have_count(0)
    shows(page, feed, "running")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_while_the_server_does_not_answer_the_page_says_so_and_recovers(
    page: Page, console: ApiServer, expected_in_console: list[str]
) -> None:
    expected_in_console.append("ERR_FAILED")
    open_as(page, console, "admin")
    live = page.locator("#live-text")
    expect(live).to_have_text(re.compile("^Live"), timeout=PATIENCE)
    page.route("**/vigie/data", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("does not answer since", timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_contain_text("What is shown is from")
    page.unroute("**/vigie/data")
    expect(live).to_have_text(re.compile("^Live"), timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_links_leave_airflows_frame(page: Page, console: ApiServer, states: dict[str, str]) -> None:
    open_as(page, console, "admin", "/plugin/streams")
    frame = page.frame_locator("iframe")
    framed = frame.locator(f'[data-feed="{of_state(states, "running")}"]')
    framed.get_by_text("Details").click(timeout=PATIENCE)
    framed.get_by_role("link", name="DAG").click()
    expect(page).to_have_url(re.compile(rf"/dags/stream_{of_state(states, 'running')}$"))
