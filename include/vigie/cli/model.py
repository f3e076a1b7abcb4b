"""`vigie model`: the learned models, their versions, and who is champion."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json, print_table
from vigie.contract.feed import Model
from vigie.contract.loader import load_feeds
from vigie.errors import ModelError, RegistryAway

app = typer.Typer(help="Train models, see their versions, choose the champion.")

Name = Annotated[str, typer.Argument(help="Name of the model.", metavar="NAME")]
_VERSION = ("version", "is", "trained_begin", "trained_end", "trained_rows", "created_at")
_EVENT = ("at", "kind", "version", "error", "champion_error", "person", "reason")


@app.callback()
def main() -> None:
    """Train models, see their versions, choose the champion."""


# Every import of the models takes seconds, which no other command should wait for.
@app.command("list")
@clear_errors
def list_models(
    limit: Annotated[int, typer.Option(min=1, help="Versions of each, newest first.")] = 10,
    json: JsonFlag = False,
) -> None:
    """Show each model's versions: which is champion, and what it was trained on."""
    from vigie.modelling.versions import recent_versions
    from vigie.warehouse.engines import get_engine

    found: list[dict[str, Any]] = []
    for model in _models():
        aliases = _aliases(model.name)
        with get_engine("reader").connect() as connection:
            versions = recent_versions(connection, model.name, limit=limit)
        for version in versions:
            version["is"] = [
                name for name, number in aliases.items() if number == version["version"]
            ]
        found.append({"model": model.name, "cadence": model.cadence, "versions": versions})
    if json:
        print_json({"models": found})
        return
    for entry in found:
        rows = [[_cell(version[name]) for name in _VERSION] for version in entry["versions"]]
        title = f"{entry['model']}, trained {entry['cadence']}"
        if rows:
            print_table(_VERSION, rows, title)
        else:
            out.print(f"{title}: no version yet")


@app.command()
@clear_errors
def history(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    json: JsonFlag = False,
) -> None:
    """Show what became of each challenger and champion, when, why and by whom."""
    from vigie.modelling.versions import recent_events
    from vigie.warehouse.engines import get_engine

    if all(model.name != name for model in _models()):
        raise ModelError(
            f"no contract has a model {name}; there are: {', '.join(m.name for m in _models())}"
        )
    with get_engine("reader").connect() as connection:
        events = [asdict(event) for event in recent_events(connection, name, limit=limit)]
    if json:
        print_json({"model": name, "events": events})
    elif events:
        print_table(_EVENT, [[_cell(event[column]) for column in _EVENT] for event in events])
    else:
        out.print(f"model {name}: nothing happened yet")


@app.command()
@clear_errors
def train(
    name: Name,
    promote: Annotated[bool, typer.Option(help="Make it champion if it passes the gate.")] = True,
) -> None:
    """Train on what the warehouse has, judge, and promote; exit code 1 if it does not pass."""
    from vigie.modelling.champions import promote_challenger
    from vigie.modelling.training import train as train_model

    person = getpass.getuser()
    outcome = train_model(name, person=person)
    out.print(f"model {name}: {outcome.reason}; {outcome.seconds} s", highlight=False)
    if outcome.version is None:
        raise typer.Exit(1)
    if promote:
        promote_challenger(name, outcome.version, person=person, reason=outcome.reason)
    out.print(f"version {outcome.version} is {'champion' if promote else 'challenger'}")


@app.command()
@clear_errors
def promote(name: Name, version: Annotated[int, typer.Argument(metavar="VERSION")]) -> None:
    """Make the challenger champion."""
    from vigie.modelling.champions import promote_challenger

    person = getpass.getuser()
    promote_challenger(name, version, person=person, reason=f"{person} promoted it")
    out.print(f"model {name}: version {version} is champion")


@app.command("return")
@clear_errors
def return_model(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "it is better",
) -> None:
    """Make the version before champion again; a second time undoes it."""
    from vigie.modelling.champions import return_to_previous

    version = return_to_previous(name, person=getpass.getuser(), reason=reason)
    out.print(f"model {name}: version {version} is champion")


def _models() -> list[Model]:
    return [feed.model for feed in load_feeds().values() if feed.model]


def _aliases(model: str) -> Mapping[str, int]:
    from vigie.modelling.registry import find_aliases

    try:
        return find_aliases(model)
    except RegistryAway as away:
        err.print(f"{away}; who is champion is not shown", highlight=False, markup=False)
        return {}


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(value)
    return value
