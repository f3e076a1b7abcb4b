"""Makes the README's picture of the Streams page: `python -m tests.browser.screenshot_streams`.

An API server of Airflow's alone shows streams in every state; nothing else runs.
"""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.api_server import api_server
from tests.browser.chromium import find_chromium
from tests.seeded_streams import alive, committed, every_state
from tests.services import postgres_stack
from vigie.settings import HOME

PICTURE = HOME / "docs" / "screenshots" / "streams.png"
_SIZE = {"width": 1280, "height": 860}


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, postgres_stack(Path(folder) / "state") as stack:
        airflow = Path(folder) / "airflow"
        airflow.mkdir()
        with api_server(airflow, stack) as server:
            states = every_state(server.engine)
            waiting = next(feed for feed, state in states.items() if state == "waiting")
            lag = {"lag_messages": 1240, "lag_seconds": 62.0}
            alive(server.engine, waiting, launch=2, phase="waiting for documents", **lag)
            committed(server.engine, waiting, seconds=700)
            _take(server.address, server.token("admin"))


def _take(address: str, token: str) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport=_SIZE, color_scheme="light")
        context.add_cookies([{"name": "_token", "value": token, "url": address}])
        page = context.new_page()
        page.goto(f"{address}/plugin/streams")
        page.frame_locator("iframe").get_by_text("running", exact=True).wait_for()
        # The charts of the lag begin when the page is opened.
        page.wait_for_timeout(20_000)
        taken = page.screenshot()
        browser.close()
    # A page of plain colours needs no more than a palette, and a third of the bytes.
    Image.open(BytesIO(taken)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
        PICTURE, optimize=True
    )


if __name__ == "__main__":
    main()
