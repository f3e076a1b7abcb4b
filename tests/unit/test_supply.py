"""What is installed is what was locked, and what is committed holds no secret."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from pip_requirements_parser import RequirementsFile

from vigie.settings import HOME

LOCKED = ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt")
HOOK = str(Path(sys.executable).with_name("detect-secrets-hook"))


@pytest.mark.parametrize("name", LOCKED)
def test_each_requirement_is_one_version_with_its_hashes(name: str) -> None:
    file = RequirementsFile.from_file(HOME / name)

    assert file.requirements
    assert [r.line for r in file.requirements if not (r.is_pinned and r.hash_options)] == []
    # Where packages come from is the business of who installs them.
    assert (file.options, file.invalid_lines) == ([], [])
    assert "://" not in (HOME / name).read_text()


def test_nothing_is_installed_without_its_hash() -> None:
    commands = (HOME / "Makefile").read_text() + (HOME / "Dockerfile").read_text()
    installing = [line for line in commands.splitlines() if "-r requirements" in line]

    assert len(installing) > 4
    assert [
        line
        for line in installing
        if "--require-hashes" not in line and "$(install_locked)" not in line
    ] == []


@pytest.mark.parametrize(
    "planted",
    [
        f'PASSWORD = "{secrets.token_urlsafe(18)}"',
        f'url = "postgresql://vigie:{secrets.token_urlsafe(18)}@db/vigie"',
        f"key = '{secrets.token_hex(32)}'",
        "-----BEGIN " + "RSA PRIVATE KEY-----",
    ],
    ids=["password", "url", "key", "private key"],
)
def test_a_secret_that_somebody_would_commit_is_found(tmp_path: Path, planted: str) -> None:
    file = tmp_path / "planted.py"
    file.write_text(f"{planted}\n")

    found = subprocess.run(
        [HOOK, "--baseline", str(HOME / ".secrets.baseline"), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert found.returncode == 1, found.stdout
    assert f"{file}:1" in found.stdout


def test_the_baseline_excuses_nothing_by_its_place() -> None:
    # What is no secret says so beside itself, with the reason.
    assert '"results": {},' in (HOME / ".secrets.baseline").read_text()
