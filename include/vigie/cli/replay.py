"""`vigie replay`: send CSV files of real measurements."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json
from vigie.contract.loader import get_feed


@clear_errors
def replay(
    feed: Annotated[str, typer.Argument(help="The feed the files hold readings of.")],
    files: Annotated[list[Path], typer.Argument(help="CSV files; .gz is read as it is.")],
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Messages a second at most; all at once if not given."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="The recipe to read by; found by the file's name if not given."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Send CSV files to the feed's topic in the order of event time."""
    # Here, since pandas takes two seconds that no other command should wait for.
    from vigie.replay.read import read_files
    from vigie.replay.recipes import choose_recipe
    from vigie.replay.send import send

    contract = get_feed(feed)
    chosen = [(path, choose_recipe(contract, path, name=recipe)) for path in files]
    frame = read_files(chosen, contract)
    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bar = progress.add_task(contract.topic, total=len(frame))
        acknowledged = send(contract, frame, rate=rate, on_sent=lambda: progress.advance(bar))
    seconds = round(time.monotonic() - started, 3)
    counts = {"topic": contract.topic, "sent": len(frame), "acknowledged": acknowledged}
    if json:
        print_json({**counts, "seconds": seconds})
    else:
        text = "{topic}: sent {sent}, acknowledged {acknowledged}".format(**counts)
        out.print(f"{text} in {seconds:.1f} s", highlight=False)
