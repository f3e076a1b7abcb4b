from __future__ import annotations

import os
import shutil

import pytest

from tests.metrics.fetch import PROGRAMS


def find(program: str) -> str:
    """A program of Prometheus', from the PATH or as fetched; the test is skipped without."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(PROGRAMS)])
    found = shutil.which(program, path=path)
    if found is None:
        left_out = "VIGIE_TEST_WITHOUT_PROMETHEUS" in os.environ
        why = "VIGIE_TEST_WITHOUT_PROMETHEUS is set" if left_out else "run `make prometheus`"
        pytest.skip(f"{program} is not there: {why}")
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' own judge of rules."""
    return find("promtool")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Alertmanager's own judge of its configuration."""
    return find("amtool")
