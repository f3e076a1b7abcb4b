from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.chromium import find_chromium

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# A phone as most people carry one, upright.
_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium instead of one that Playwright would download."""
    chromium = find_chromium()
    if chromium is None:
        if not os.environ.get("VIGIE_TEST_WITHOUT_BROWSER"):
            pytest.fail("no Chromium: `make browser` installs it")
        pytest.skip("VIGIE_TEST_WITHOUT_BROWSER is set and there is no Chromium")
    # Its sandbox refuses to work for root; the pages are our own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": chromium, "args": arguments}


# Playwright's own fixtures last as long as the run, and an event loop of theirs with them, beside
# which no test after can run one.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as player:
        yield player


@pytest.fixture(scope="module")
def browser(playwright: Playwright, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    return {}


@pytest.fixture
def expected_in_console() -> list[str]:
    """Patterns of what a test provokes: it must come, and anything besides fails the test."""
    return []


@pytest.fixture
def page(page: Page, expected_in_console: list[str]) -> Iterator[Page]:
    """A page that fails the test on an error in it, and on a request that leaves this machine."""
    seen = _watch(page)
    yield page
    _judge(seen, expected_in_console)


@pytest.fixture
def phone(browser: Browser, expected_in_console: list[str]) -> Iterator[Page]:
    """Such a page on a phone."""
    context = browser.new_context(**_PHONE)
    page = context.new_page()
    seen = _watch(page)
    yield page
    context.close()
    _judge(seen, expected_in_console)


def _watch(page: Page) -> list[str]:
    seen: list[str] = []

    def note_request(url: str) -> None:
        address = urlsplit(url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in _LOOPBACK:
            seen.append(f"request to {url}")

    page.on("console", lambda said: seen.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: note_request(request.url))
    page.on("websocket", lambda socket: note_request(socket.url))
    return seen


def _judge(seen: list[str], expected: list[str]) -> None:
    left = [text for text in seen if not any(re.search(pattern, text) for pattern in expected)]
    missing = [pattern for pattern in expected if not re.search(pattern, "\n".join(seen), re.M)]
    assert (left, missing) == ([], []), "errors of the page, and expected ones that did not come"
