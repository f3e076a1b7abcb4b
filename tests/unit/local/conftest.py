from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigie.local.stack import Stack, prepare_stack
from vigie.settings import get_settings


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty state folder, with nothing of the outer environment."""
    for name in [name for name in os.environ if name.startswith("VIGIE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "state"
    monkeypatch.setenv("VIGIE_STATE", str(folder))
    monkeypatch.setenv("VIGIE_PORTS", "free")
    get_settings.cache_clear()
    yield folder
    get_settings.cache_clear()


@pytest.fixture
def stack(state: Path) -> Stack:
    return prepare_stack()
