"""Makes the pictures of the README: `make screenshots`.

The pages are served on a warehouse of its own, with weeks of simulated readings; what the pictures
show of models is made up.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.pages.conftest import served
from tests.browser.pages.filled import Filling, say
from tests.browser.pages.looking import open_page
from tests.services import environment, postgres_stack, warehouse_settings
from vigie.contract.feed import Feed
from vigie.contract.loader import load_feeds
from vigie.local.stack import Stack
from vigie.warehouse.engines import get_engine
from vigie.warehouse.roll_ups import roll_up_changed

_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
_SENSORS = 20
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def main() -> int:
    """Make them all anew."""
    chromium = find_chromium()
    if chromium is None:
        print("no Chromium: `make browser` installs it", file=sys.stderr)
        return 1
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="vigie-pictures-") as name:
        folder = Path(name)
        with postgres_stack(folder / "state") as stack:
            variables = warehouse_settings(stack)
            with environment(**variables):
                for feed in load_feeds().values():
                    _fill(feed)
            _take(stack, variables, folder, chromium)
    return 0


def _fill(feed: Feed) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    filling = Filling(get_engine(), feed, _SENSORS)
    filling.history(now - 60 * _DAY, now - _DAY, _HOUR)
    rule = next(iter(feed.alerts.values()), None)
    if feed.model:
        filling.history(now - _DAY, now, _HOUR / 2)
    else:
        filling.history(now - _DAY, now - timedelta(seconds=1), timedelta(minutes=2))
    if rule and rule.when.above and not feed.model:
        # An alert for the picture: a third of the sensors, just above.
        high = [rule.when.above * (1.1 if i % 3 == 0 else 0.5) for i in range(_SENSORS)]
        filling.now(now, **{rule.when.field: high})
    filling.close()
    roll_up_changed(feed)
    say(filling.engine, feed)


def _take(stack: Stack, variables: dict[str, str], folder: Path, chromium: str) -> None:
    with served(stack, variables, folder) as address, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path, scheme, size in (
            ("now", "environment-now", "light", (1300, 1500)),
            ("now-phone", "gas_turbine-now", "dark", (390, 844)),
            ("trends", "air_quality-trends", "light", (1300, 850)),
            ("model", "gas_turbine-model", "dark", (1300, 1250)),
            ("forecast", "smart_meter-model", "light", (1300, 1000)),
        ):
            viewport = {"width": size[0], "height": size[1]}
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            open_page(page, f"{address}/{path}")
            _picture(page, _FOLDER / f"{name}.png")
            page.close()
        browser.close()


def _picture(page: Page, file: Path) -> None:
    if page.viewport_size and page.viewport_size["width"] > 400:
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    page.wait_for_timeout(2500)
    page.screenshot(path=file)


if __name__ == "__main__":
    sys.exit(main())
