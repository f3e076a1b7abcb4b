"""The page of each model in a real browser on a real warehouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.pages.conftest import Site
from tests.browser.pages.looking import figure, open_page
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.warehouse

FEEDS = [feed for feed in load_feeds().values() if feed.model]
each_model = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.model.name)


@each_model
def test_what_was_said_and_what_was_true_are_shown(site: Site, phone: Page, feed: Feed) -> None:
    open_page(phone, site.url(feed, "model"))
    expect(figure(phone, "Version")).to_have_text("2")
    expect(figure(phone, "Mean absolute error")).to_contain_text(
        feed.fields[feed.model.target].unit
    )
    if feed.model.scored == "stream":
        expect(figure(phone, "Bias")).to_have_text(re.compile(r"^\d"))
    expect(phone.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    expect(phone.get_by_test_id("stDataFrame")).to_have_count(2)
    expect(phone.get_by_text("UTC").first).to_be_visible()
    assert_fits(phone)
    assert_accessible(phone, "light")
    assert_accessible(phone, "dark")
