"""`vigie kafka`: what an administrator of Kafka does for Vigie, beside a stream's own rights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vigie.broker.topics import ensure_alerts_topic, ensure_topics
from vigie.broker.users import set_users
from vigie.cli.output import clear_errors, out
from vigie.contract.loader import load_feeds

app = typer.Typer(
    help="Make topics, users and rights, as an administrator of Kafka.", no_args_is_help=True
)


@app.command()
@clear_errors
def topics() -> None:
    """Make the topic of each feed and of the alerts, or bring it to its contract."""
    made = ensure_topics(load_feeds().values())
    made += ["alerts"] if ensure_alerts_topic() else []
    out.print("\n".join(f"made  {name}" for name in made) or "all topics are there")


@app.command()
@clear_errors
def users(
    passwords: Annotated[
        Path | None,
        typer.Argument(
            help="A folder with a file `kafka_<user>` for each user's password; without it the "
            "users keep the passwords they have."
        ),
    ] = None,
) -> None:
    """Give each part's user exactly its rights, and its password."""
    for user, given in set_users(passwords).items():
        out.print(f"{user}  {'password and rights' if given else 'rights'}")
