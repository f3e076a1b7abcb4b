"""`vigie simulate`: send made-up readings."""

from __future__ import annotations

import logging
import signal
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from vigie.cli.output import clear_errors, out
from vigie.contract.loader import get_feed

_LIVE_RATE = 10.0


@clear_errors
def simulate(
    feed: Annotated[str, typer.Argument(help="The feed to send readings of.")],
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Messages a second: 10 if not given; a history goes out at once.",
        ),
    ] = None,
    sensors: Annotated[int, typer.Option(min=1, help="How many sensors.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal readings.")] = 1,
    count: Annotated[
        int | None, typer.Option(min=1, help="Messages in all; without end if not given.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            help="Send a history of COUNT messages from this moment (UTC) on.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
        ),
    ] = None,
    step: Annotated[
        float, typer.Option(min=0.001, help="Seconds between a sensor's readings in a history.")
    ] = 60.0,
) -> None:
    """Send simulated readings: live until stopped, or with --start a repeatable history."""
    # Here, since numpy and the models take time that no other command should wait for.
    from vigie.simulator.run import history, send_history, send_live

    contract = get_feed(feed)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if start is None:
        rate = rate or _LIVE_RATE
        acknowledged = send_live(contract, sensors=sensors, seed=seed, rate=rate, count=count)
    elif count is None:
        raise typer.BadParameter(
            "expected with --start, since a history has an end", param_hint="--count"
        )
    else:
        moments = history(
            sensors, start=start.replace(tzinfo=UTC), step=timedelta(seconds=step), count=count
        )
        acknowledged = send_history(contract, moments, sensors=sensors, seed=seed, rate=rate)
    out.print(f"{contract.topic}: acknowledged {acknowledged}", highlight=False)
