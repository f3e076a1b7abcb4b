"""*Now* of every feed, and the overview, in a real browser on a real warehouse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.pages.conftest import EMPTY, SENSORS, UNPLANNED, Site
from tests.browser.pages.looking import figure, open_page
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.warehouse

FEEDS = list(load_feeds().values())
each_feed = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)


@each_feed
def test_figures_change_on_screen_as_readings_are_stored(
    site: Site, page: Page, feed: Feed
) -> None:
    open_page(page, site.url(feed, "now"))
    expect(figure(page, "Sensors reporting")).to_have_text(f"{SENSORS} of {SENSORS}")
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible()
    before = page.get_by_text("Data as of").inner_text()

    now = datetime.now(UTC)
    with site.settings():
        site.fillings[feed.name].now(now.replace(microsecond=now.microsecond // 1000 * 1000))

    expect(page.get_by_text(f"Data as of {now:%Y-%m-%d %H:%M:%S} UTC")).to_be_visible()
    assert f"{now:%H:%M:%S}" not in before
    assert_accessible(page, "light")
    assert_accessible(page, "dark")


def test_an_alert_appears_and_goes(site: Site, page: Page) -> None:
    feed = next(feed for feed in FEEDS if any(a.when.above for a in feed.alerts.values()))
    rule = next(alert for alert in feed.alerts.values() if alert.when.above)
    open_page(page, site.url(feed, "now"))
    expect(figure(page, "Alerts open")).to_have_text("0")

    with site.settings():
        high = {rule.when.field: (rule.when.above or 0) * 1.01}
        site.fillings[feed.name].now(datetime.now(UTC), **high)
    expect(figure(page, "Alerts open")).to_have_text(str(SENSORS))

    with site.settings():
        low = {rule.when.field: (rule.when.above or 0) * 0.5}
        site.fillings[feed.name].now(datetime.now(UTC), **low)
    expect(figure(page, "Alerts open")).to_have_text("0")


@each_feed
def test_fits_a_phone(site: Site, phone: Page, feed: Feed) -> None:
    open_page(phone, site.url(feed, "now"))
    assert_fits(phone)


def test_controls_are_reached_and_used_by_keyboard(site: Site, page: Page) -> None:
    feed = FEEDS[0]
    open_page(page, site.url(feed, "now"))
    charts = page.locator("[data-testid=stVegaLiteChart]")
    expect(charts).to_have_count(2)
    fields = page.get_by_role("combobox", name="Fields")
    for _ in range(60):
        page.keyboard.press("Tab")
        if fields.evaluate("each => each === document.activeElement"):
            break
    expect(fields).to_be_focused()

    third = list(feed.fields)[2]
    page.keyboard.type(third)
    page.keyboard.press("Enter")

    expect(charts).to_have_count(3)


def test_a_sixth_feed_has_pages_that_say_how_readings_come(site: Site, page: Page) -> None:
    open_page(page, site.url(EMPTY, "now"))
    expect(page.get_by_text("No readings yet.")).to_be_visible()
    expect(page.get_by_text(f"vigie stream start {EMPTY}")).to_be_visible()
    assert_accessible(page, "dark")


def test_a_feed_without_views_says_how_they_are_made(site: Site, page: Page) -> None:
    open_page(page, site.url(UNPLANNED, "now"))
    expect(page.get_by_text("The warehouse lacks a view of this page.")).to_be_visible()
    expect(page.get_by_text("vigie warehouse plan")).to_be_visible()


def test_a_warehouse_that_went_away_is_named_and_comes_back(site: Site, page: Page) -> None:
    open_page(page, site.url(FEEDS[0], "now"))
    away = page.get_by_text("The warehouse does not answer.").first
    with site.away():
        expect(away).to_be_visible()
        page.reload()
        expect(away).to_be_visible()
        assert_accessible(page, "light")
    expect(figure(page, "Sensors reporting")).to_be_visible()
    expect(away).to_have_count(0)


def test_the_overview_leads_to_every_feed(site: Site, page: Page, phone: Page) -> None:
    open_page(page, site.address)
    for feed in FEEDS:
        expect(page.get_by_role("heading", name=feed.title, exact=True)).to_be_visible()
    expect(page.get_by_text(f"vigie stream start {EMPTY}")).to_be_visible()
    assert_accessible(page, "light")
    assert_accessible(page, "dark")
    page.get_by_test_id("stMain").get_by_role("link", name="Now").first.click()
    expect(page.get_by_role("heading", name=FEEDS[0].title)).to_be_visible()
    open_page(phone, site.address)
    assert_fits(phone)
