"""What both sides run against: a broker and a PostgreSQL of the benchmark's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.services import environment, kafka_broker, postgres_stack
from vigie.local import postgres
from vigie.local.jars import fetch_jars
from vigie.local.stack import Stack


@dataclass(frozen=True)
class Services:
    """The stack that the settings point at, and its server processes."""

    stack: Stack
    broker: psutil.Process
    postmaster: psutil.Process

    def connect(self) -> psycopg.Connection:
        """A superuser's session in the warehouse, autocommit on."""
        return postgres.connect(self.stack, "vigie")

    def settle(self) -> None:
        """Have PostgreSQL finish what one side left behind, so that the other does not pay."""
        with self.connect() as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")


@contextmanager
def running_services(folder: Path) -> Iterator[Services]:
    """Run both servers in `folder`, on free ports, with the settings of the process set."""
    fetch_jars()
    with (
        kafka_broker(folder / "broker") as address,
        postgres_stack(folder / "state") as stack,
        environment(VIGIE_KAFKA=address, VIGIE_STATE=str(stack.state)),
    ):
        children = psutil.Process().children()
        broker = next(child for child in children if "kafka.Kafka" in child.cmdline())
        pid = (postgres.data_folder(stack) / "postmaster.pid").read_text().split()[0]
        yield Services(stack, broker, psutil.Process(int(pid)))
