"""Fetches what the T-SQL tests run on, once: Mono, and Microsoft's parser and schema model.

Run by `make test`. Mono comes from the system's packages; without the right to install them it says
what to do, and exits 1. The libraries come from one wheel of PyPI, pinned by its hash.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from tests.system_packages import install

HOME = Path(__file__).resolve().parents[2]
LIBRARIES = HOME / ".cache" / "tsql"
_IN_WHEEL = "mssqlcli/mssqltoolsservice/bin/"
# The parser, the model, and what the model loads; any neighbour of theirs would shadow Mono's own.
_NAMES = (
    "Microsoft.Data.Tools.Schema.Sql.dll",
    "Microsoft.Data.Tools.Utilities.dll",
    "Microsoft.SqlServer.Dac.Extensions.dll",
    "Microsoft.SqlServer.Dac.dll",
    "Microsoft.SqlServer.TransactSql.ScriptDom.dll",
    "Microsoft.SqlServer.Types.dll",
    "System.ComponentModel.Composition.dll",
    "System.Data.SqlClient.dll",
    "System.Drawing.Common.dll",
    "System.IO.Packaging.dll",
)
_PARSER = "Microsoft.SqlServer.TransactSql.ScriptDom.dll"
_SOURCE = Path(__file__).with_name("Names.cs")
_COMPILED = LIBRARIES / "Vigie.Tests.Names.dll"
_STANDARD = "lib/mono/4.5/Facades/netstandard.dll"
_MANUAL = (
    "The T-SQL tests need Mono: `apt-get install --no-install-recommends mono-devel` (Debian, "
    "Ubuntu), `dnf install mono-devel` (Fedora), `brew install mono` (macOS). Then run make again. "
    "To go on without them, set VIGIE_TEST_WITHOUT_TSQL=1: they are skipped, and said to be."
)


def main() -> int:
    """Fetch what is missing; 0 if all is there."""
    if os.environ.get("VIGIE_TEST_WITHOUT_TSQL"):
        print("VIGIE_TEST_WITHOUT_TSQL is set: no T-SQL is parsed")
        return 0
    if not _has_mono() and not (install("mono-devel") and _has_mono()):
        print(_MANUAL, file=sys.stderr)
        return 1
    if not all((LIBRARIES / name).is_file() for name in _NAMES):
        _fetch_libraries()
    if not _COMPILED.is_file() or _COMPILED.stat().st_mtime < _SOURCE.stat().st_mtime:
        _compile()
    return 0


def _has_mono() -> bool:
    return find_library("monosgen-2.0") is not None and shutil.which("mcs") is not None


def _fetch_libraries() -> None:
    print("fetching Microsoft's T-SQL parser (43 MB)")
    with TemporaryDirectory() as folder:
        # The libraries are the same in the wheels of all platforms.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
        command += ["--platform", "manylinux1_x86_64", "--dest", folder]
        subprocess.run([*command, "-r", str(Path(__file__).with_name("wheel.txt"))], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        LIBRARIES.mkdir(parents=True, exist_ok=True)
        with ZipFile(wheel) as packed:
            for name in _NAMES:
                # Whole or not there: an interrupted copy would count as fetched.
                part = LIBRARIES / f"{name}.part"
                part.write_bytes(packed.read(_IN_WHEEL + name))
                part.rename(LIBRARIES / name)


def _compile() -> None:
    standard = Path(str(shutil.which("mcs"))).resolve().parents[1] / _STANDARD
    command = ["mcs", "-target:library", f"-out:{_COMPILED}.part", f"-r:{LIBRARIES / _PARSER}"]
    subprocess.run([*command, f"-r:{standard}", str(_SOURCE)], check=True)
    Path(f"{_COMPILED}.part").rename(_COMPILED)


if __name__ == "__main__":
    sys.exit(main())
