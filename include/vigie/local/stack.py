"""One local stack: its folder, ports and secrets, and the `vigie.env` that keeps them."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits

from dotenv import dotenv_values

from vigie.errors import StackError
from vigie.local.ports import LOOPBACK, USUAL, choose_ports
from vigie.settings import get_settings

SECRETS = (
    *("postgres", "vigie_owner", "vigie_stream", "vigie_reader", "airflow", "mlflow"),
    *("airflow_admin", "airflow_jwt", "airflow_api", "airflow_fernet"),
    *("ingest_key", "spark_rest"),
)
"""Passwords of the database roles and of Airflow's administrator, Airflow's own keys, the key for
the HTTP API, and the one that submissions to Spark's master are signed with."""

# The kernel's limit for the path of a socket is about 104 bytes, and supervisord makes its socket
# under a temporary name that is longer by the process number.
_LONGEST_SOCKET = 90


@dataclass(frozen=True)
class Stack:
    """Where one stack lives (`state`, absolute) and the ports and secrets it was given."""

    state: Path
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    socket: Path
    """Where its process manager listens."""

    @property
    def logs(self) -> Path:
        """The folder with one rotating log per program."""
        return self.state / "log"

    def log(self, program: str) -> Path:
        """The log file of one program."""
        return self.logs / f"{program}.log"

    def address(self, part: str) -> str:
        """Host and port of a part."""
        return f"{LOOPBACK}:{self.ports[part]}"

    def database(self, role: str, *, driver: str = "psycopg") -> str:
        """The SQLAlchemy URL of a role in the database it works in."""
        name = role if role in ("airflow", "mlflow") else "vigie"
        login = f"{role}:{self.secrets[role]}"
        return f"postgresql+{driver}://{login}@{self.address('postgres')}/{name}"

    def settings(self) -> dict[str, str]:
        """What every process of Vigie reads through `vigie.settings`."""
        return {
            "VIGIE_KAFKA": self.address("kafka"),
            "VIGIE_WAREHOUSE": self.database("vigie_stream"),
            "VIGIE_WAREHOUSE_OWNER": self.database("vigie_owner"),
            "VIGIE_WAREHOUSE_READER": self.database("vigie_reader"),
            "VIGIE_DOCUMENTS": f"mongodb://{self.address('documents')}/vigie",
            "VIGIE_SPARK_REST": f"http://{self.address('spark_rest')}",
            "VIGIE_PAGES": f"http://{self.address('pages')}",
            "VIGIE_SPARK_UI": f"http://{self.address('spark_master_ui')}",
            "VIGIE_SPARK_DRIVER_UI": f"http://{LOOPBACK}",
            "VIGIE_SPARK_REST_KEY": self.secrets["spark_rest"],
            "VIGIE_SPARK_UI_PORT": str(self.ports["spark_drivers"]),
            "VIGIE_DRIVER_METRICS_PORT": str(self.ports["driver_metrics"]),
            "VIGIE_INGEST": f"http://{self.address('ingest')}",
            "VIGIE_INGEST_KEY": self.secrets["ingest_key"],
            "VIGIE_MLFLOW": f"http://{self.address('mlflow')}",
            "VIGIE_AIRFLOW": f"http://{self.address('airflow')}",
            "VIGIE_PUSHGATEWAY": f"http://{self.address('pushgateway')}",
            "VIGIE_AIRFLOW_DATABASE": self.database("airflow", driver="psycopg2"),
        }


def last_lines(stack: Stack, program: str, count: int = 15) -> str:
    """The end of a program's log, indented."""
    try:
        text = stack.log(program).read_text(errors="replace")
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-count:])


def state_folder() -> Path:
    """The state folder of this process, absolute."""
    return get_settings().state.absolute()


def find_stack() -> Stack | None:
    """The stack of the state folder, or None where none was ever started."""
    state = state_folder()
    known = _read(state)
    ports, keys = _ports(known), _secrets(known)
    if not ports or not keys:
        return None
    # A part that is newer than the stack gets the port that the next `vigie up` would give it, and
    # has no secret until then.
    return Stack(
        state, choose_ports(ports), dict.fromkeys(SECRETS, "") | keys, _socket(state, known)
    )


def prepare_stack() -> Stack:
    """Make the state folder and `vigie.env`, keeping every port and secret it already has.

    Lines of the operator's own stay in the file; the settings lines follow the ports. With
    `VIGIE_PORTS=free` in the environment new ports are free ones and never the usual ones.

    Raises:
        StackError: The environment points Vigie at something other than this stack.
    """
    state = state_folder()
    known = _read(state)
    ports = choose_ports(_ports(known), only_free=os.environ.get("VIGIE_PORTS") == "free")
    keys = {name: _secrets(known).get(name) or _new_secret(name) for name in SECRETS}
    stack = Stack(state, ports, keys, _socket(state, known))
    _refuse_other_targets(stack)
    lines = known | stack.settings()
    lines |= {f"STACK_PORT_{part.upper()}": str(port) for part, port in ports.items()}
    lines |= {f"STACK_SECRET_{name.upper()}": secret for name, secret in keys.items()}
    lines["STACK_SOCKET"] = str(stack.socket)
    if lines != known:
        _write(state, lines)
    stack.logs.mkdir(parents=True, exist_ok=True)
    get_settings.cache_clear()
    return stack


def _read(state: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(state / "vigie.env").items()}


def _ports(known: Mapping[str, str]) -> dict[str, int]:
    found = {part: known.get(f"STACK_PORT_{part.upper()}", "") for part in USUAL}
    wrong = [
        f"STACK_PORT_{part.upper()}={value}"
        for part, value in found.items()
        if value and not value.isdigit()
    ]
    if wrong:
        message = f"vigie.env: {', '.join(wrong)}: expected a port number; correct the line"
        raise StackError(message)
    return {part: int(value) for part, value in found.items() if value}


def _secrets(known: Mapping[str, str]) -> dict[str, str]:
    found = {name: known.get(f"STACK_SECRET_{name.upper()}", "") for name in SECRETS}
    return {name: value for name, value in found.items() if value}


def _socket(state: Path, known: Mapping[str, str]) -> Path:
    near = state / "supervisord.sock"
    if len(os.fsencode(near)) <= _LONGEST_SOCKET:
        return near
    # Kept in the file, because another shell may have another folder for temporary files.
    digest = sha256(os.fsencode(state)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"vigie-{os.getuid()}-{digest}" / near.name
    kept = known.get("STACK_SOCKET")
    return Path(kept) if kept and Path(kept).parent.name == short.parent.name else short


def _new_secret(name: str) -> str:
    if name == "airflow_fernet":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    # Airflow signs with SHA-512 and warns below 64 bytes; Spark's key is the base64 of 33. The
    # others may be typed by hand.
    size = {"airflow_jwt": 80, "ingest_key": 43, "spark_rest": 44}.get(name, 20)
    return "".join(secrets.choice(ascii_letters + digits) for _ in range(size))


def _refuse_other_targets(stack: Stack) -> None:
    for name, value in stack.settings().items():
        if os.environ.get(name, value) != value:
            message = (
                f"{name} is set in the environment, but the local stack uses its own "
                f"(in {stack.state / 'vigie.env'}); unset {name} and run `vigie up` again"
            )
            raise StackError(message)


def _write(state: Path, lines: Mapping[str, str]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    partial = state / "vigie.env.partial"
    text = "".join(f"{name}='{value}'\n" for name, value in lines.items())
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    partial.replace(state / "vigie.env")
