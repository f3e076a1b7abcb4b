"""How soon the analysts' pages stand in a browser, on a large warehouse.

    python -m benchmarks.pages --readings 1000000 --sensors 500

A year of readings is stored as a stream does, without Spark, evenly but for the last two hours,
which have one a minute. Then a real browser opens *Now*, and *Trends* over the year, each in a
session of its own, and the time counts from the look at the address until the last chart is drawn.
Nothing is kept from one look to the next but what the server keeps for a second (*Now*) or thirty
(*Trends*); the first look at each page is left out, since the browser compiles Streamlit then.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.pages.conftest import served
from tests.browser.pages.filled import Filling
from tests.services import environment, postgres_stack, warehouse_settings
from vigie.cli.output import clear_errors, out, print_table
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.warehouse.engines import get_engine
from vigie.warehouse.roll_ups import roll_up_changed

_FEED = "environment"
_YEAR = timedelta(days=365)
_LIVE = timedelta(hours=2)
_LOOKS = 4
_KEPT = 31
"""Seconds after which the server forgets what *Trends* found."""


@clear_errors
def main(
    readings: Annotated[int, typer.Option(help="Readings stored.")] = 1_000_000,
    sensors: Annotated[int, typer.Option(help="Sensors that send them.")] = 500,
) -> None:
    """Print the times of both pages."""
    feed, chromium = get_feed(_FEED), find_chromium()
    if chromium is None:
        raise typer.BadParameter("no Chromium: `make browser` installs it")
    with TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name)
        with postgres_stack(folder / "state") as stack:
            variables = warehouse_settings(stack)
            with environment(**variables):
                stored = _fill(feed, readings, sensors)
            with served(stack, variables, folder) as address, sync_playwright() as player:
                arguments = ["--no-sandbox"]
                browser = player.chromium.launch(executable_path=chromium, args=arguments)
                now = [_look(browser, f"{address}/{_FEED}-now", charts=3) for _ in range(_LOOKS)]
                trends = []
                for _ in range(_LOOKS):
                    trends.append(_look(browser, f"{address}/{_FEED}-trends", charts=2, year=True))
                    time.sleep(_KEPT)
                browser.close()
    rows = [
        (title, f"{statistics.median(each[1:]):.2f} s", f"{max(each[1:]):.2f} s")
        for title, each in (("Now", now), ("Trends over a year", trends))
    ]
    print_table(("page", "median", "slowest"), rows, f"{stored:,} readings of {sensors} sensors")


def _fill(feed: Feed, readings: int, sensors: int) -> int:
    now = datetime.now(UTC).replace(microsecond=0)
    filling = Filling(get_engine(), feed, sensors)
    live = _LIVE // timedelta(minutes=1)
    step = _YEAR / max(readings // sensors - live, 1)
    out.print(f"storing {readings:,} readings, one of each sensor every {step}", highlight=False)
    begin = now - _YEAR - _LIVE
    filling.history(begin, now - _LIVE, timedelta(seconds=int(step.total_seconds())))
    filling.history(now - _LIVE, now, timedelta(minutes=1))
    filling.close()
    roll_up_changed(feed)
    return filling.stored


def _look(browser: Browser, url: str, *, charts: int, year: bool = False) -> float:
    """Seconds from the look at the address, or from the choice of the year, to the last chart."""
    context = browser.new_context(viewport={"width": 1300, "height": 1600})
    page = context.new_page()
    began = time.monotonic()
    page.goto(url)
    drawn = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
    expect(drawn).to_have_count(charts, timeout=120_000)
    if year:
        page.get_by_role("combobox", name="Range", exact=True).focus()
        page.keyboard.type("1 year")
        began = time.monotonic()
        page.keyboard.press("Enter")
        year_ago = f"{datetime.now(UTC) - _YEAR:%Y-%m}"
        expect(page.get_by_text(f"{year_ago}-")).to_be_visible(timeout=120_000)
        page.wait_for_function(
            "document.querySelectorAll('[data-testid=stApp][data-test-script-state=running]')"
            ".length === 0",
            timeout=120_000,
        )
        expect(drawn).to_have_count(charts, timeout=120_000)
    seconds = time.monotonic() - began
    context.close()
    return seconds


if __name__ == "__main__":
    typer.run(main)
