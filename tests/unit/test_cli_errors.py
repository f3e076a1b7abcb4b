"""What goes wrong is one line, whichever command met it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.services import environment
from vigie.cli.app import app

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "command", ["quarantine summary", "model history nox", "key list", "warehouse verify"]
)
def test_a_warehouse_that_is_away_is_one_line(command: str) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    with environment(VIGIE_WAREHOUSE_READER=url, VIGIE_WAREHOUSE_OWNER=url):
        result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2
    assert "error: the warehouse does not answer" in result.stderr
    assert "vigie status" in " ".join(result.stderr.split())
