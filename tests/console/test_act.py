"""What the buttons do, also to a stream whose contract cannot be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.services import environment
from tests.warehouse.streams import events, look
from vigie.contract.loader import load_feeds
from vigie.errors import ContractError
from vigie.orchestration.console.act import ActionRefused, act
from vigie.settings import get_settings

pytestmark = pytest.mark.warehouse


@pytest.mark.parametrize("feed", list(load_feeds()))
def test_the_switch_is_set_in_the_persons_name(warehouse: Engine, feed: str) -> None:
    assert act(feed, "start", launch=None, person="ada").changed
    assert not act(feed, "start", launch=None, person="ada").changed
    assert "as ada asked" in act(feed, "stop", launch=None, person="ada").told
    assert events(warehouse, feed) == [("start", "ada"), ("stop", "ada")]
    with pytest.raises(ActionRefused, match="start it instead"):
        act(feed, "restart", launch=None, person="ada")


def test_a_stream_with_a_faulty_contract_can_be_stopped(warehouse: Engine, tmp_path: Path) -> None:
    feed = next(iter(load_feeds()))
    act(feed, "start", launch=None, person="ada")
    shutil.copytree(get_settings().feeds, tmp_path / "feeds")
    (tmp_path / "feeds" / f"{feed}.yaml").write_text("feed: [")
    with environment(VIGIE_FEEDS=str(tmp_path / "feeds")):
        assert act(feed, "stop", launch=None, person="ada").changed
        with pytest.raises(ContractError, match="known feeds"):
            act("no_such_feed", "stop", launch=None, person="ada")
    assert look(warehouse, feed).desired == "stopped"
