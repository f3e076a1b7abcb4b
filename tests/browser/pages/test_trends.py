"""*Trends* in a real browser on a real warehouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.pages.conftest import EMPTY, Site
from tests.browser.pages.looking import open_page
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.warehouse

FEEDS = list(load_feeds().values())
CHARTS = {
    "Window means": 2,
    "Sensors compared": 2,
    "Periods compared": 2,
    "Correlation of fields": 1,
}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_evolution_is_drawn_for_everybody(site: Site, phone: Page, feed: Feed) -> None:
    open_page(phone, site.url(feed, "trends"))
    expect(phone.get_by_text("Data as of")).to_be_visible()
    charts = phone.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(min(len(feed.fields), 2))
    assert_fits(phone)
    assert_accessible(phone, "light")
    assert_accessible(phone, "dark")


def test_every_section_is_chosen_by_keyboard_and_drawn(site: Site, page: Page) -> None:
    feed = next(feed for feed in FEEDS if len(feed.fields) > 2)
    open_page(page, site.url(feed, "trends"))
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(2)
    _choose(page, "Range", "7 days")
    for section, count in CHARTS.items():
        _choose(page, "What to look at", section)
        expect(page.get_by_role("heading", name=section)).to_be_visible()
        expect(charts).to_have_count(count)
    _choose(page, "What to look at", "Alerts")
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    _choose(page, "Range", "other dates")
    expect(page.get_by_text("From, to (UTC)")).to_be_visible()


def test_a_feed_without_readings_says_how_they_come(site: Site, page: Page) -> None:
    open_page(page, site.url(EMPTY, "trends"))
    expect(page.get_by_text("No readings yet.")).to_be_visible()


def test_a_warehouse_that_went_away_comes_back(site: Site, page: Page) -> None:
    with site.away():
        open_page(page, site.url(FEEDS[1], "trends"))
        expect(page.get_by_text("The warehouse does not answer.").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()


def _choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=True)
    box.focus()
    page.keyboard.type(option)
    page.keyboard.press("Enter")
