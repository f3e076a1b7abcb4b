from __future__ import annotations

import json
import subprocess

from typer.testing import CliRunner

from vigie.cli.app import app
from vigie.local.environment import MARK, daemon_environment, stack_environment
from vigie.local.stack import Stack


def test_a_shell_reads_every_value_as_it_was_given(stack: Stack) -> None:
    lines = CliRunner().invoke(app, ["env"]).output
    shown = subprocess.run(
        ["bash", "-c", 'eval "$1" && env -0', "bash", lines],
        capture_output=True,
        text=True,
        check=True,
        env={},
    ).stdout
    read = dict(entry.split("=", 1) for entry in shown.split("\0") if entry)
    expected = stack_environment(stack)
    assert {name: read.get(name) for name in expected} == expected
    assert json.loads(read["AIRFLOW_CONN_SPARK_LOCAL"])["host"] == "local[1]"


def test_a_shell_that_reads_it_does_not_become_part_of_the_stack(stack: Stack) -> None:
    assert MARK not in stack_environment(stack)
    assert daemon_environment(stack)[MARK] == str(stack.state)


def test_nobody_is_let_into_airflow_without_a_password(stack: Stack) -> None:
    env = stack_environment(stack)
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in env
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_without_a_stack_env_says_how_to_start_one(state: object) -> None:
    result = CliRunner().invoke(app, ["env"])
    assert result.exit_code == 2
    assert "vigie up" in result.output
