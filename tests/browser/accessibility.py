"""Whether people with disabilities can use a page."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# WCAG 2.1 at level AA: among much else, contrast, names of controls, order of headings.
_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def assert_accessible(page: Page, scheme: Literal["light", "dark"] | None = None) -> None:
    """Fail with what axe-core finds wrong with the page as it is, shown in that colour scheme."""
    if scheme is not None:
        page.emulate_media(color_scheme=scheme)
        # A rule measures colours in the middle of a transition too.
        page.wait_for_timeout(300)
    found = Axe().run(page, options=_RULES)
    assert found.violations_count == 0, found.generate_report()


def assert_fits(page: Page) -> None:
    """Fail if the page is wider than its window, so that one must scroll sideways to read it."""
    assert page.viewport_size is not None
    wide = page.evaluate("document.documentElement.scrollWidth")
    window = page.viewport_size["width"]
    assert wide <= window, f"the page is {wide} px wide in a window of {window} px"
