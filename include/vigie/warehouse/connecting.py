"""How a connection is opened and what it is told, which differs from database to database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection


class Arguments(Protocol):
    """Makes what the driver is given beside the URL."""

    def __call__(self, *, session: str, seconds: int | None = None) -> dict[str, Any]:
        """Arguments of a connection that the database shows as `session`.

        `seconds` is how long one of its statements may wait or take at most.
        """


class Patience(Protocol):
    """Lets an open transaction wait."""

    def __call__(self, connection: Connection) -> None:
        """Let the transaction stay silent for as long as it must."""


@dataclass(frozen=True)
class Connecting:
    """One database's way: `snapshot` is the isolation in which a transaction sees one state."""

    arguments: Arguments
    snapshot: str
    be_patient: Patience
