"""Finding things on a page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=30_000)


def open_page(page: Page, url: str) -> None:
    """Open a page and wait until it is drawn whole."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def figure(page: Page, label: str) -> Locator:
    """The value of one figure."""
    found = page.get_by_test_id("stMetric").filter(has_text=label)
    return found.get_by_test_id("stMetricValue").first
