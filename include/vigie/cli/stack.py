"""`vigie up`, `vigie down`, `vigie env`: the local stack."""

from __future__ import annotations

import shlex
from time import monotonic
from typing import Annotated

import typer

from vigie.cli.output import clear_errors, print_table
from vigie.errors import StackError
from vigie.local import prometheus
from vigie.local.airflow import ADMIN
from vigie.local.environment import stack_environment
from vigie.local.feeds import chosen_feeds
from vigie.local.stack import Stack, find_stack, state_folder
from vigie.local.start import Start
from vigie.local.stop import stop_stack


@clear_errors
def up(
    feeds: Annotated[
        str | None,
        typer.Option(help="Feeds to bring to life, with commas between, or `all`."),
    ] = None,
    simulators: Annotated[bool, typer.Option(help="Send simulated readings.")] = True,
    history: Annotated[
        bool, typer.Option(help="Send simulated feeds some weeks of history, once.")
    ] = True,
) -> None:
    """Start whatever of the local stack is not running, and wait until it works."""
    say = _Progress()
    stack = Start(chosen_feeds(feeds), simulate=simulators, history=history, say=say).run()
    _print_addresses(stack)
    say(f"the stack is up; its logs are in {stack.logs}")


@clear_errors
def down() -> None:
    """Stop the local stack; its data stays, and `vigie up` carries on with it."""
    say = _Progress()
    stack = find_stack()
    if stack is None:
        say(f"nothing to stop: no stack was ever started in {state_folder()}")
        return
    stop_stack(stack, say)
    say("the stack is down; no process is left")


@clear_errors
def env() -> None:
    """Print what lets `airflow` and `vigie` in a shell use the stack: eval "$(vigie env)"."""
    stack = find_stack()
    if stack is None:
        message = f"no stack in {state_folder()}, expected one; start it with `vigie up`"
        raise StackError(message)
    for name, value in stack_environment(stack).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


class _Progress:
    """Prints a line with the seconds since the command began."""

    def __init__(self) -> None:
        self._began = monotonic()

    def __call__(self, line: str) -> None:
        typer.echo(f"{monotonic() - self._began:6.1f} s  {line}")


def _print_addresses(stack: Stack) -> None:
    reader = "vigie_reader"
    print_table(
        ("what", "address", "user", "password"),
        (
            (
                "Airflow",
                f"http://{stack.address('airflow')}",
                ADMIN,
                stack.secrets["airflow_admin"],
            ),
            ("pages", f"http://{stack.address('pages')}", None, None),
            ("warehouse", f"{stack.address('postgres')}/vigie", reader, stack.secrets[reader]),
            (
                "readings",
                f"http://{stack.address('ingest')}/docs",
                None,
                stack.secrets["ingest_key"],
            ),
            ("models", f"http://{stack.address('mlflow')}", None, None),
            ("metrics", f"http://{stack.address('exporter')}/metrics", None, None),
            *(
                (name, f"http://{stack.address(name)}", None, None)
                for name in prometheus.installed()
            ),
            ("Kafka", stack.address("kafka"), None, None),
            ("Spark master", f"http://{stack.address('spark_master_ui')}", None, None),
            ("Spark worker", f"http://{stack.address('spark_worker_ui')}", None, None),
        ),
    )
