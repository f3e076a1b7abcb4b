"""The page that describes the HTTP API, as an engineer on a network without a way out sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.ingest.conftest import running_api
from vigie.contract.loader import load_feeds

pytestmark = pytest.mark.broker


def test_each_feed_can_be_tried_from_the_page(
    page: Page, kafka: str, warehouse: Engine, tmp_path: Path
) -> None:
    with running_api(tmp_path / "api.log") as api:
        page.goto(f"{api.address}/docs")
        for feed in load_feeds().values():
            expect(page.get_by_text(f"Send readings of {feed.title}")).to_be_visible()
        page.get_by_role("button", name="GET /health Health").click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        expect(page.get_by_text('"broker": true')).to_be_visible()
