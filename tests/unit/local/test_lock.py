from __future__ import annotations

from pathlib import Path

import pytest

from vigie.errors import StackError
from vigie.local.lock import hold


def test_a_second_one_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with hold(path), pytest.raises(StackError, match="wait until it has ended"), hold(path):
        pass
    with hold(path):
        pass
