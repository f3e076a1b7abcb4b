from __future__ import annotations

from pathlib import Path

import pytest

from vigie.errors import StackError
from vigie.local.java import find_java


def install(home: Path, version: str) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize("version", ['openjdk version "17.0.15"', 'java version "21" 2023-09-19'])
def test_java_17_and_newer_are_taken(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java = install(tmp_path, version)
    assert find_java() == java


@pytest.mark.parametrize(
    "version", ['java version "1.8.0_392"', 'openjdk version "11.0.2"', "what"]
)
def test_older_ones_are_refused(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    install(tmp_path, version)
    with pytest.raises(StackError, match="expected 17 or newer"):
        find_java()


def test_none_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="no java program on the PATH"):
        find_java()
