"""Generating the pages under docs/ again changes nothing: Airflow is asked for the DAGs."""

from __future__ import annotations

from typer.main import get_command

from tests.unit.docs.test_pages import GENERATED
from vigie.cli.app import app
from vigie.contract.loader import load_feeds
from vigie.docs.project import pages
from vigie.generated import differing
from vigie.settings import HOME


def test_generating_again_changes_nothing() -> None:
    wanted = pages(list(load_feeds().values()), HOME, get_command(app))
    assert {path.stem for path in wanted} == GENERATED
    assert differing(wanted, HOME) == {}
