from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import environment
from vigie.collection import inbox
from vigie.collection.inbox import make_folders, waiting_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The inbox of `fleet`, where a file counts as whole at once."""
    monkeypatch.setattr(inbox, "QUIET", 0.0)
    with environment(VIGIE_INBOX=str(tmp_path)):
        make_folders(["fleet", "environment"])
        yield tmp_path / "fleet"


def names() -> list[str]:
    return [f"{file.feed}/{file.path.name}" for file in waiting_files()]


def test_files_of_every_feed_in_order_and_no_others(folder: Path) -> None:
    (folder / "b.csv").write_text("1")
    (folder / "a.jsonl").write_text("1")
    (folder.parent / "environment" / "c.csv").write_text("1")
    (folder / "d.csv.part").write_text("1")
    (folder / ".e.csv").write_text("1")
    (folder / "done").mkdir()
    (folder / "link.csv").symlink_to("/etc/hostname")
    (folder.parent / "nobody").mkdir()
    (folder.parent / "nobody" / "f.csv").write_text("1")

    assert names() == ["environment/c.csv", "fleet/a.jsonl", "fleet/b.csv"]


def test_a_file_just_written_waits_whatever_time_it_claims(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "QUIET", 60.0)
    (folder / "a.csv").write_text("1")
    os.utime(folder / "a.csv", (0, 0))

    assert names() == []


def test_a_file_written_to_is_no_longer_as_seen(folder: Path) -> None:
    (folder / "a.csv").write_text("1")
    (seen,) = waiting_files()
    assert seen.is_as_seen()

    time.sleep(0.02)
    with (folder / "a.csv").open("a") as file:
        file.write("2")
    assert not seen.is_as_seen()


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path) -> None:
    with environment(VIGIE_INBOX=str(tmp_path / "none")):
        assert waiting_files() == []
