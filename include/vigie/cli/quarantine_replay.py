"""`vigie quarantine replay`: judge messages again after a contract was mended."""

from __future__ import annotations

import getpass
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer

from vigie.cli.moment import HELP, moment
from vigie.cli.output import JsonFlag, clear_errors, err, out, print_json
from vigie.contract.loader import get_feed
from vigie.settings import get_settings


@clear_errors
def replay(
    feed: Annotated[str, typer.Argument(help="Name of the feed.", metavar="FEED")],
    reason: Annotated[str | None, typer.Option(help="Only messages of this reason.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Only this sensor.")] = None,
    since: Annotated[str | None, typer.Option(help=f"Quarantined since then. {HELP}")] = None,
    until: Annotated[str | None, typer.Option(help=f"Quarantined before then. {HELP}")] = None,
    because: Annotated[str, typer.Option(help="Why; it is kept with the result.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of them.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Judge quarantined messages with the contract of now, and store those that pass.

    The stream runs on. Exit code 1 if it is refused, or the documents could not follow.
    """
    told = {"--person": getpass.getuser(), "--because": because, "--reason": reason}
    told |= {"--sensor": sensor}
    told |= {"--since": moment(since, "--since").isoformat() if since else None}
    told |= {"--until": moment(until, "--until").isoformat() if until else None}
    # With `=`, since what a device sent as its name may begin with a dash.
    options = [f"{option}={value}" for option, value in told.items() if value]
    options += ["--dry-run"] if dry_run else []
    app_file = str(get_settings().spark_apps / "replay_quarantine.py")
    command = [sys.executable, app_file, get_feed(feed).name, *options]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    if done.returncode:
        raise typer.Exit(done.returncode)
    found = orjson.loads(done.stdout.splitlines()[-1]) | {"dry_run": dry_run}
    if json:
        print_json(found)
    else:
        for line in _summary(found):
            out.print(line, highlight=False, markup=False, soft_wrap=True)
    if found["unfinished"]:
        err.print(found["unfinished"], highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)


def _summary(found: dict[str, Any]) -> Iterator[str]:
    verb = "would be released" if found["dry_run"] else "released"
    yield (
        f"{found['feed']}: {found['released']} {verb}: {found['stored']} readings stored, on "
        f"{len(found['days'])} days, and {found['copies']} copies of stored ones"
    )
    failing = ", ".join(f"{count} {reason}" for reason, count in found["quarantined"].items())
    yield f"still quarantined: {failing or 'none'}"
    left = {
        "cut": "of which only the first 64 KiB are kept; `vigie restate` has them from the lake",
        "without_bytes": "of which no bytes are kept (conflicting copies, empty messages)",
        "expired": "of days of which readings expired",
    }
    yield from (f"left: {found[name]} {why}" for name, why in left.items() if found[name])
