"""A backup of an embedded warehouse, and what is made of it elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.local_stack import at_stack
from tests.readings import accepted
from tests.services import postgres_stack
from tests.warehouse.test_store import batch, count, hours, new_store
from vigie.cli import app
from vigie.contract.loader import load_feeds
from vigie.local import mlflow, postgres
from vigie.local.restore import serving
from vigie.local.stack import Stack, prepare_stack
from vigie.reconciliation.reconcile import reconcile
from vigie.streaming.launch import claim
from vigie.supervision.launches import relaunch
from vigie.warehouse import core
from vigie.warehouse.engines import get_engine
from vigie.warehouse.feed_tables import feed_tables

pytestmark = pytest.mark.warehouse

FEED = next(iter(load_feeds().values()))
STORED = 30


@dataclass(frozen=True)
class Made:
    """A stack's database that went on after its backup, and the backup."""

    stack: Stack
    backup: Path
    told: dict[str, object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("backup")
    with postgres_stack(folder / "state") as stack, at_stack(stack.state):
        artefact = mlflow.artefacts(stack) / "1" / "model.skops"
        artefact.parent.mkdir(parents=True)
        artefact.write_text("a fit")
        store = new_store(get_engine(), FEED)
        store.store(batch(accepted(FEED, hours(STORED))))
        result = CliRunner().invoke(app, ["backup", str(folder / "kept"), "--json"])
        assert result.exit_code == 0, result.output
        told = json.loads(result.output)
        store.store(batch(accepted(FEED, hours(10, sensor="s-2")), begin=STORED))
        store.close()
        for role in ("ingest", "owner", "reader"):
            get_engine(role).dispose()
        yield Made(stack, Path(told["folder"]), told)


def restore(backup: Path, state: Path) -> tuple[int, str]:
    with at_stack(state):
        result = CliRunner().invoke(app, ["restore", str(backup)])
    return result.exit_code, result.output


def test_a_restored_warehouse_is_that_of_the_backup_and_goes_on(made: Made, tmp_path: Path) -> None:
    state = tmp_path / "state"

    assert restore(made.backup, state)[0] == 0

    with at_stack(state):
        stack = prepare_stack()
        assert (mlflow.artefacts(stack) / "1" / "model.skops").read_text() == "a fit"
        with serving(stack):
            engine = get_engine()
            assert count(engine, feed_tables(FEED).reading) == STORED
            assert reconcile(FEED, engine, patience=0.1).unaccounted == ()
            # It carries on with the ledger's end, under a number that no lost launch had.
            assert claim(engine, FEED.name, 1) is None
            with engine.connect() as connection:
                last = max(connection.scalars(select(core.launch.c.launch)).all())
            assert last > 1
            number = relaunch(engine, FEED, after=last)
            assert number == last + 1
            engine.dispose()


def test_a_backup_says_how_far_it_goes(made: Made) -> None:
    assert made.told["ledger"] == {FEED.name: {"topic/0": STORED}}
    assert {path.stem for path in (made.backup / "feeds").glob("*.yaml")} >= set(load_feeds())
    assert made.backup.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("file", ["vigie.dump", "artefacts/1/model.skops"])
def test_a_damaged_backup_is_refused_and_named(made: Made, tmp_path: Path, file: str) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(made.backup, damaged)
    with (damaged / file).open("ab") as changed:
        changed.write(b"x")

    code, said = restore(damaged, tmp_path / "state")

    assert (code, file in said) == (2, True)
    assert not (tmp_path / "state" / "postgres").exists()


def test_nothing_is_restored_over_a_warehouse(made: Made) -> None:
    code, said = restore(made.backup, made.stack.state)

    assert code == 2
    assert "nothing is restored over" in " ".join(said.split())
    assert postgres.is_up(made.stack)


def test_nothing_is_restored_over_the_files_of_models(made: Made, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with at_stack(state):
        newer = mlflow.artefacts(prepare_stack()) / "2" / "model.skops"
    newer.parent.mkdir(parents=True)
    newer.write_text("a newer fit")

    code, said = restore(made.backup, state)

    assert code == 2
    # Long paths are broken at the terminal's edge.
    assert f"Move{newer.parent.parent}away" in "".join(said.split())
    assert newer.read_text() == "a newer fit"
    assert not (state / "postgres").exists()


def test_a_restore_that_fails_can_be_done_again(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(source: Path, target: Path, **_: object) -> None:
        (target / "1").mkdir(parents=True)
        shutil.copy2(source / "1" / "model.skops", target / "1")
        raise OSError(28, "No space left on device")

    state = tmp_path / "state"
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", fill_the_disk)
        assert restore(made.backup, state)[0] != 0
    assert not (state / "mlflow").exists()

    assert restore(made.backup, state)[0] == 0


def test_a_folder_that_is_no_backup_is_named(tmp_path: Path) -> None:
    code, said = restore(tmp_path, tmp_path / "state")

    assert code == 2
    assert "no whole backup" in " ".join(said.split())
