"""Fetches Prometheus and what goes with it into `.cache/prometheus`.

Run by `make test` and `make prometheus`. What is on the PATH is taken as it is. Else Debian's
packages are unpacked, and not installed: nothing starts by itself, and no right is needed. Where
there is no apt it says what to do, and exits 1. Debian 12 has no exporter of StatsD: Go builds it,
and without Go the stack goes without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system_packages import apt_get_alone

HOME = Path(__file__).resolve().parents[2]
FOLDER = HOME / ".cache" / "prometheus"
PROGRAMS = FOLDER / "usr" / "bin"
_PACKAGES = ("prometheus", "prometheus-alertmanager", "prometheus-pushgateway")
_WANTED = ("prometheus", "promtool", "amtool", "prometheus-alertmanager", "prometheus-pushgateway")
_STATSD_EXPORTER = "v0.28.0"
_MANUAL = (
    "Tests of metrics and alerts need promtool, amtool and prometheus on the PATH: unpack the "
    "releases of https://prometheus.io/download (Debian, Ubuntu: `apt-get update` as root, then "
    "make again). To go on without them, set VIGIE_TEST_WITHOUT_PROMETHEUS=1: they are skipped, "
    "and said to be."
)


def main() -> int:
    """Fetch what is missing; 0 if all is there."""
    if os.environ.get("VIGIE_TEST_WITHOUT_PROMETHEUS"):
        print("VIGIE_TEST_WITHOUT_PROMETHEUS is set: no rule is judged by Prometheus")
        return 0
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(PROGRAMS)])
    if not shutil.which("statsd_exporter", path=path):
        _build_statsd_exporter()
    if all(shutil.which(name, path=path) for name in _WANTED) or _unpack():
        return 0
    print(_MANUAL, file=sys.stderr)
    return 1


def _build_statsd_exporter() -> None:
    if not shutil.which("go"):
        print("there is no Go to build statsd_exporter with: Airflow's own metrics are not shown")
        return
    print("building statsd_exporter, which shows Airflow's metrics, into .cache/prometheus")
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        command = ["go", "install", f"github.com/prometheus/statsd_exporter@{_STATSD_EXPORTER}"]
        _run(["env", f"GOBIN={PROGRAMS}", *command], folder)


def _unpack() -> bool:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    print("fetching Prometheus, Alertmanager and Pushgateway (45 MB) into .cache/prometheus")
    with TemporaryDirectory() as folder, apt_get_alone():
        if os.geteuid() == 0:
            # What apt knows of may be older than what the mirror still has.
            _run(["apt-get", "update"], folder)
            # The sandbox user of apt could not write here.
            Path(folder).chmod(0o777)
        if not _run(["apt-get", "download", *_PACKAGES], folder):
            return False
        FOLDER.mkdir(parents=True, exist_ok=True)
        unpacked = [
            _run(["dpkg-deb", "--extract", str(package), str(FOLDER)], folder)
            for package in Path(folder).glob("*.deb")
        ]
    return len(unpacked) == len(_PACKAGES) and all(unpacked)


def _run(command: list[str], folder: str) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{done.stderr}", file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
