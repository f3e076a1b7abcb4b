from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vigie.contract.loader import feed_files, load_feeds
from vigie.errors import ContractError
from vigie.local.feeds import chosen_feeds
from vigie.settings import HOME, get_settings


@pytest.fixture
def folder(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = shutil.copytree(HOME / "include" / "feeds", tmp_path / "feeds")
    monkeypatch.setenv("VIGIE_FEEDS", str(copied))
    get_settings.cache_clear()
    return copied


def test_by_default_the_listed_feeds_start(folder: Path) -> None:
    (folder / "started.txt").write_text("fleet\nenvironment\n")
    assert chosen_feeds(None) == ["fleet", "environment"]


def test_without_a_list_all_start(folder: Path) -> None:
    (folder / "started.txt").unlink()
    assert chosen_feeds(None) == chosen_feeds("all") == [path.stem for path in feed_files()]


def test_names_are_checked(folder: Path) -> None:
    assert chosen_feeds("fleet, smart_meter") == ["fleet", "smart_meter"]
    with pytest.raises(ContractError, match="no_such_feed"):
        chosen_feeds("fleet,no_such_feed")


def test_the_shipped_list_names_shipped_feeds() -> None:
    shipped = HOME / "include" / "feeds"
    listed = (shipped / "started.txt").read_text().split()
    assert listed
    assert set(listed) <= set(load_feeds(shipped))
