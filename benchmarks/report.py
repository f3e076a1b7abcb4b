"""One table for people, one JSON file for programs."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import orjson

from benchmarks.latency import Latency
from benchmarks.measure import Bulk
from vigie.cli.output import out, print_table

WORK = {
    "Vigie": "JSON, all checks, late, alerts, copies; readings, panes, alerts, quarantine, "
    "sensors, clocks, day counts, ledger; fence; one transaction per batch",
    "plain loop": "JSON, range checks, late; readings, panes without alerts, rejects, ledger; "
    "one transaction per batch; no copies, no fence, no restart",
}
_PARTS = ("broker", "Spark JVM", "Python", "database")


def ratio(sides: dict[str, Bulk]) -> float:
    """Client and database CPU seconds per message, Vigie's over the plain loop's."""
    vigie, plain = (sides[name] for name in WORK)
    ours = vigie.client_and_database / vigie.messages
    return ours / (plain.client_and_database / plain.messages)


def print_report(sides: dict[str, Bulk], latency: Latency) -> None:
    """Print both sides, the ratio and the latency."""
    cells = [_cells(side) for side in sides.values()]
    print_table(["", *sides], [[what, *(cell[what] for cell in cells)] for what in cells[0]])
    lines = [f"{name}: {work}" for name, work in WORK.items()]
    lines += [f"ratio, client and database CPU seconds per message: {ratio(sides):.2f}"]
    lines += [
        f"send to commit at {latency.rate}/s for {latency.seconds} s, {latency.readings} readings: "
        f"p50 {latency.p50_ms:.0f} ms, p95 {latency.p95_ms:.0f} ms, max {latency.max_ms:.0f} ms"
    ]
    out.print("\n".join(lines), highlight=False)


def _cells(side: Bulk) -> dict[str, str | None]:
    spent = side.client_and_database
    cells: dict[str, str | None] = {
        "messages": f"{side.messages:,}",
        "seconds": f"{side.seconds:.1f}",
        "events/s": f"{side.messages / side.seconds:,.0f}",
    }
    for part in _PARTS:
        cells[f"CPU seconds, {part}"] = f"{side.cpu[part]:.2f}" if part in side.cpu else None
    cells["CPU seconds, client and database"] = f"{spent:.2f}"
    cells["… per million messages"] = f"{spent / side.messages * 1e6:.1f}"
    return cells


def write_report(
    path: Path, sides: dict[str, Bulk], latency: Latency, *, options: dict[str, object]
) -> None:
    """Write everything measured, with the options and the machine's cores and load."""
    measured = {
        name: asdict(side)
        | {
            "work": WORK[name],
            "events_per_second": side.messages / side.seconds,
            "client_and_database_cpu": side.client_and_database,
        }
        for name, side in sides.items()
    }
    machine = {"cores": os.cpu_count(), "load_1_minute": os.getloadavg()[0]}
    report = {"sides": measured, "ratio": ratio(sides), "latency": asdict(latency)}
    report |= {"options": options, "machine": machine}
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
