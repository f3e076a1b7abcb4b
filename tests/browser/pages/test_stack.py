"""The pages of a running stack, while its simulator sends."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages.looking import figure, open_page
from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e


def test_figures_change_while_the_simulator_sends(local_stack: LocalStack, page: Page) -> None:
    services = {line["name"]: line for line in local_stack.read("status")["services"]}
    assert services["pages"]["healthy"]
    send = ("simulate", "gas_turbine", "--count", "20", "--rate", "10")
    local_stack.run(*send)
    open_page(page, f"{services['pages']['address']}/gas_turbine-now")
    expect(figure(page, "Sensors reporting")).to_be_visible(timeout=60_000)
    moment = page.get_by_text("Data as of")
    before = moment.inner_text().split(" UTC")[0]
    local_stack.run(*send)
    expect(moment).not_to_contain_text(before, timeout=60_000)
