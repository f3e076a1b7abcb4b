"""PostgreSQL refuses to run as root: how a root shell runs it as somebody else."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from vigie.errors import StackError

_USER = "nobody"


def server_user() -> pwd.struct_passwd | None:
    """The user PostgreSQL's processes and files belong to; None means whoever calls."""
    return pwd.getpwnam(_USER) if os.geteuid() == 0 else None


def unprivileged_prefix(program: Path, folder: Path) -> tuple[str, ...]:
    """What to put before `program`, which writes to `folder`, so that it drops root's rights.

    Empty where the caller is not root.

    The checkout, the environment or the state may lie below a folder closed to others (a root
    home). Then the process keeps one capability, the weakest the system has that lets it in.

    Raises:
        StackError: No way was found to run `program` as the unprivileged user.
    """
    user = server_user()
    if user is None:
        return ()
    base = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    for capability in ("", "+dac_read_search", "+dac_override"):
        kept = (f"--inh-caps={capability}", f"--ambient-caps={capability}") if capability else ()
        if _can((*base, *kept), program, folder):
            return (*base, *kept)
    message = (
        f"PostgreSQL: started as root, which it refuses, and user {_USER} cannot run {program} "
        f"on {folder}. "
        "Run `vigie up` as an ordinary user, or put the checkout where every user may enter"
    )
    raise StackError(message)


def _can(prefix: tuple[str, ...], program: Path, folder: Path) -> bool:
    reach = 'test -x "$1" && test -w "$2"'
    command = (*prefix, "sh", "-c", reach, "sh", str(program), str(folder))
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except FileNotFoundError as error:
        message = "setpriv is missing (package util-linux); needed to run PostgreSQL from root"
        raise StackError(message) from error
