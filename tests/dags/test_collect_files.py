from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from tests.services import environment
from vigie.collection import inbox
from vigie.orchestration import watch_inbox
from vigie.orchestration.collect_inbox import collect_or_fail
from vigie.orchestration.watch_inbox import WatchInbox
from vigie.settings import HOME

pytestmark = pytest.mark.dags


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(inbox, "QUIET", 0.0)
    monkeypatch.setattr(watch_inbox, "POLL_SECONDS", 0.01)
    with environment(VIGIE_INBOX=str(tmp_path)):
        inbox.make_folders(["fleet"])
        yield tmp_path / "fleet"


async def told(trigger: WatchInbox, *steps: Callable[[], object]) -> list[list[str]]:
    """The files of each event, while the steps are taken one after the other."""
    events: list[list[str]] = []

    async def listen() -> None:
        async for event in trigger.run():
            events.append(event.payload["files"])

    task = asyncio.create_task(listen())
    for step in steps:
        step()
        await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.wait([task], timeout=2)
    assert task.cancelled()
    return events


def test_each_file_is_told_of_once(folder: Path) -> None:
    events = asyncio.run(
        told(
            WatchInbox(),
            lambda: None,
            lambda: (folder / "a.csv").write_text("1"),
            lambda: (folder / "b.csv").write_text("1"),
            lambda: (folder / "a.csv").unlink(),
            lambda: (folder / "a.csv").write_text("2"),
        )
    )
    assert events == [["fleet/a.csv"], ["fleet/b.csv"], ["fleet/a.csv"]]


def test_a_file_that_stays_is_told_of_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_inbox, "REMIND_SECONDS", 0.2)
    (folder / "a.csv").write_text("1")
    events = asyncio.run(told(WatchInbox(), lambda: None))
    assert len(events) >= 2


def test_the_watch_outlives_errors_and_says_each_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = inbox.waiting_files

    def fail() -> None:
        raise PermissionError("no entry")

    (folder / "a.csv").write_text("1")
    events = asyncio.run(
        told(
            WatchInbox(),
            lambda: monkeypatch.setattr(inbox, "waiting_files", fail),
            lambda: monkeypatch.setattr(inbox, "waiting_files", look),
        )
    )
    assert events == [["fleet/a.csv"]]
    assert capsys.readouterr().out.count("no entry") == 1


def test_the_trigger_survives_serialisation_and_newer_arguments() -> None:
    path, arguments = WatchInbox().serialize()
    module, _, name = path.rpartition(".")
    assert getattr(import_module(module), name)(**arguments, newer=1).serialize() == (path, {})


def test_two_runs_never_take_one_file() -> None:
    dag = DagBag(dag_folder=str(HOME / "dags" / "collect_files.py")).dags["collect_files"]
    assert dag.max_active_runs == 1


def test_a_file_that_cannot_be_taken_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigie.collection.collect.collect_waiting", lambda: ["a.csv: no room"])
    with pytest.raises(RuntimeError, match=r"a\.csv: no room"):
        collect_or_fail()
