"""The fixtures of this folder see what they are there to see, in a page with every fault."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import assert_accessible, assert_fits

_FAULTY = """
<html lang="en"><head><title>faulty</title></head><body>
<p style="color: #aaa; background: #fff; width: 900px">hard to read</p>
<script>console.error("broken")</script>
</body></html>
"""


def test_errors_in_the_console_are_seen(page: Page, expected_in_console: list[str]) -> None:
    expected_in_console.append("^broken$")
    page.set_content(_FAULTY)


def test_a_request_that_leaves_this_machine_is_seen(
    page: Page, expected_in_console: list[str]
) -> None:
    expected_in_console += ["^request to https://vigie.invalid/", "ERR_NAME_NOT_RESOLVED"]
    page.set_content('<html lang="en"><img src="https://vigie.invalid/tile.png" alt="tile"></html>')


def test_poor_contrast_is_seen(page: Page, expected_in_console: list[str]) -> None:
    expected_in_console.append("^broken$")
    page.set_content(_FAULTY)
    with pytest.raises(AssertionError, match="color-contrast"):
        assert_accessible(page, "light")


def test_a_page_too_wide_for_a_phone_is_seen(phone: Page, expected_in_console: list[str]) -> None:
    expected_in_console.append("^broken$")
    phone.set_content(_FAULTY)
    with pytest.raises(AssertionError, match="px wide"):
        assert_fits(phone)
