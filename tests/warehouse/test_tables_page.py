"""The page of tables names the columns that the migrations make."""

from __future__ import annotations

import pytest

from tests.powerbi.conftest import report_columns
from vigie.contract.loader import load_feeds
from vigie.docs.views import columns_of_all, columns_of_feed
from vigie.local.stack import Stack
from vigie.settings import get_settings

pytestmark = pytest.mark.warehouse


def test_every_view_has_the_columns_it_is_told_to_have(postgres: Stack) -> None:
    feeds = list(load_feeds().values())
    told = columns_of_all(get_settings().ddl / "postgresql", feeds)
    for feed in feeds:
        told |= columns_of_feed(feed)
    found = {view: list(columns) for view, columns in report_columns(postgres, "vigie").items()}
    functions = {name for name in told if name.endswith("_windows")}
    assert {view: sorted(told[view]) for view in told.keys() - functions} == {
        view: sorted(columns) for view, columns in found.items()
    }
    assert all(told[name] == told[name.removesuffix("s")] for name in functions)
