"""`vigie simulate`: send made-up readings."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from vigie.cli.output import JsonFlag, clear_errors, out, print_json
from vigie.contract.feed import Feed
from vigie.contract.loader import get_feed
from vigie.errors import SettingsError
from vigie.settings import get_settings

if TYPE_CHECKING:
    from vigie.simulator.run import OpenSink
    from vigie.simulator.simulation import Simulation

_CLOCK_RATE = 1000.0
"""Messages a second at most where the clock sets the pace."""


@clear_errors
def simulate(
    feeds: Annotated[list[str], typer.Argument(metavar="FEED...", help="What to send.")],
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Messages a second of each feed; if not given, each sensor reports at its own "
            "pace, and a history goes out at once.",
        ),
    ] = None,
    sensors: Annotated[
        int | None, typer.Option(min=1, help="How many sensors; each feed has its own number.")
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(min=0.001, help="Seconds between a sensor's live readings, without --rate."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal readings.")] = 1,
    count: Annotated[
        int | None, typer.Option(min=1, help="Messages of each feed; without end if not given.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            help="Send a history of COUNT readings from this moment (UTC) on.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
        ),
    ] = None,
    step: Annotated[
        float, typer.Option(min=0.001, help="Seconds between a sensor's readings in a history.")
    ] = 60.0,
    faults: Annotated[
        str,
        typer.Option(
            metavar="RATE[:KIND,...]",
            help="Strike this share of the readings with each kind of fault: gaps, battery, stuck, "
            "swapped, clocks, malformed, copies, conflicts, late. 0.01:copies,gaps names kinds.",
        ),
    ] = "",
    to: Annotated[
        str | None, typer.Option(help="Address of the ingest API; without it, Kafka.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="VIGIE_INGEST_KEY", help="API key, with --to; else the stack's own."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Send simulated readings: live until stopped, or with --start a repeatable history."""
    # Here, since numpy and the models take time that no other command should wait for.
    from vigie.broker.topics import ensure_topics
    from vigie.simulator.moments import history
    from vigie.simulator.run import send_history, send_live

    contracts = [get_feed(name) for name in dict.fromkeys(feeds)]
    if start is not None and count is None:
        raise typer.BadParameter(
            "expected with --start, since a history has an end", param_hint="--count"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    apart = step if start is not None else every
    simulations = [
        _simulation(
            contract, sensors, seed, faults, rate=rate if start is None else None, apart=apart
        )
        for contract in contracts
    ]
    live_rate = rate or _CLOCK_RATE
    open_sink = _sink(to, key, rate=live_rate if start is None else rate, live=start is None)
    if start is None or count is None:
        send_live(simulations, open_sink, _stopped(), rate=rate, count=count)
    else:
        if to is None:
            ensure_topics(contracts)
        for made in simulations:
            begin = start.replace(tzinfo=UTC)
            moments = history(made.sensors, start=begin, step=made.every, count=count)
            send_history(made, moments, open_sink(made.feed))
    _print(simulations, as_json=as_json)


def _simulation(
    feed: Feed,
    sensors: int | None,
    seed: int,
    faults: str,
    *,
    rate: float | None,
    apart: float | None,
) -> Simulation:
    from vigie.simulator.model import habits_of
    from vigie.simulator.simulation import Simulation

    told, _, kinds = faults.partition(":")
    try:
        share = float(told or 0)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        expected = "a share between 0 and 1, as in 0.01 or 0.01:copies,gaps"
        raise typer.BadParameter(f"found {faults!r}, expected {expected}", param_hint="--faults")
    named = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    count = sensors or habits_of(feed).sensors
    seconds = count / rate if rate else apart or 0.0
    every = timedelta(seconds=seconds)
    return Simulation(feed, count, seed=seed, fault_rate=share, fault_kinds=named, every=every)


def _sink(to: str | None, key: str | None, *, rate: float | None, live: bool) -> OpenSink:
    from vigie.simulator.http_sink import HttpSink
    from vigie.simulator.kafka_sink import KafkaSink

    if to is None:
        return lambda feed: KafkaSink(feed, rate=rate, live=live)
    key = key or get_settings().ingest_key
    if not key:
        message = (
            "--to needs an API key: found none, expected --key or VIGIE_INGEST_KEY "
            "(`vigie key create` makes one)"
        )
        raise SettingsError(message)
    return lambda feed: HttpSink(feed, to=to, key=key, rate=rate)


def _stopped() -> Event:
    """Set by SIGTERM or the first Ctrl-C; a second one ends at once."""
    stop = Event()

    def ask(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop


def _print(simulations: Sequence[Simulation], *, as_json: bool) -> None:
    tallies = [made.tally for made in simulations]
    if as_json:
        print_json([tally.as_json() for tally in tallies])
        return
    for tally in tallies:
        rejected = f", rejected {tally.rejected}" if tally.rejected else ""
        done = f"acknowledged {tally.acknowledged}{rejected}"
        out.print(f"readings.{tally.feed}: {done}", highlight=False)
