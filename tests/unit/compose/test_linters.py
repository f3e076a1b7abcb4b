"""The linters of compose files and Dockerfiles find nothing, and would find what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vigie.settings import HOME

pytestmark = pytest.mark.unit

DCLINT = HOME / ".cache" / "compose" / "node_modules" / ".bin" / "dclint"
HADOLINT = Path(sys.executable).with_name("hadolint")


def dclint(file: Path) -> subprocess.CompletedProcess[str]:
    if not DCLINT.is_file():
        pytest.skip(f"dclint is not at {DCLINT}: install Node.js 20, then make compose-linter")
    command = [DCLINT, file, "--config", HOME / ".dclintrc.yaml", "--max-warnings", "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    command = [HADOLINT, "--config", HOME / ".hadolint.yaml", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_is_clean(tmp_path: Path) -> None:
    told = dclint(HOME / "docker-compose.yaml")
    assert told.returncode == 0, told.stdout
    wrong = tmp_path / "docker-compose.yaml"
    text = (HOME / "docker-compose.yaml").read_text()
    wrong.write_text(text.replace("127.0.0.1:9094:9094", "9094:9094").replace(":v3.5.0", ":latest"))
    found = dclint(wrong)
    assert found.returncode == 1
    assert "no-unbound-port-interfaces" in found.stdout
    assert "service-image-require-explicit-tag" in found.stdout


def test_the_dockerfile_is_clean(tmp_path: Path) -> None:
    told = hadolint(HOME / "Dockerfile")
    assert (told.returncode, told.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text((HOME / "Dockerfile").read_text().replace(":3.11.13-slim-bookworm", ""))
    assert "DL3006" in hadolint(wrong).stdout
